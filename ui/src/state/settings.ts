/** What the user set for requests. A field that is null is left to the server. */
export interface Sampling {
  temperature: number | null;
  top_p: number | null;
  top_k: number | null;
  min_p: number | null;
  max_tokens: number | null;
  seed: number | null;
  presence_penalty: number | null;
  frequency_penalty: number | null;
  repetition_penalty: number | null;
  n: number | null;
  stop: string[];
}

export type Theme = 'system' | 'light' | 'dark';

export interface Settings {
  model: string; // empty: the first that the server has
  sampling: Sampling;
  systemPrompt: string; // of new conversations
  showsProbabilities: boolean;
  usesTools: boolean;
  tools: string; // JSON array, as typed
  toolChoice: 'auto' | 'none';
  theme: Theme;
}

export const DEFAULT_SAMPLING: Sampling = {
  temperature: null,
  top_p: null,
  top_k: null,
  min_p: null,
  max_tokens: null,
  seed: null,
  presence_penalty: null,
  frequency_penalty: null,
  repetition_penalty: null,
  n: null,
  stop: [],
};

export const EXAMPLE_TOOLS = JSON.stringify(
  [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'Tells the weather of a city.',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string' } },
          required: ['city'],
        },
      },
    },
  ],
  null,
  2,
);

export const DEFAULT_SETTINGS: Settings = {
  model: '',
  sampling: DEFAULT_SAMPLING,
  systemPrompt: '',
  showsProbabilities: false,
  usesTools: false,
  tools: EXAMPLE_TOOLS,
  toolChoice: 'auto',
  theme: 'system',
};

export interface Tool {
  type: 'function';
  function: { name: string; description?: string; parameters?: object };
}

export type ParsedTools = { tools: Tool[]; error: null } | { tools: null; error: string };

/** The tools that the text describes, or what is wrong with it. */
export function parseTools(text: string): ParsedTools {
  const refuse = (error: string): ParsedTools => ({ tools: null, error });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`Not valid JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(value)) return refuse('Tools are a JSON array: [ { "type": "function", … } ]');
  if (value.length === 0)
    return refuse('The array is empty: describe a tool, or switch tools off.');
  for (const [index, tool] of value.entries()) {
    const name = (tool as Tool | null)?.function?.name;
    if ((tool as Tool | null)?.type !== 'function' || typeof name !== 'string' || name === '') {
      return refuse(`Tool ${index + 1} needs "type": "function" and a "function" with a "name".`);
    }
  }
  return { tools: value as Tool[], error: null };
}

/** How many knobs differ from what the server would choose. */
export function numChanged(sampling: Sampling): number {
  return Object.values(sampling).filter((value) =>
    Array.isArray(value) ? value.length > 0 : value !== null,
  ).length;
}
