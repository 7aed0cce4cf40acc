import type { SeenRequest } from './mock_server';

interface Logprob {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs: { token: string; logprob: number; bytes: number[] }[];
}

interface MockToken {
  text: string;
  logprobs: Logprob[]; // of the tokens that end in this piece of text
}

export interface MockAnswer {
  reasoning: string[];
  tokens: MockToken[];
  toolCalls: { index: number; id: string; name: string; arguments: string }[];
  finishReason: string;
  pauseMs: number; // between two chunks
  end: '' | 'error' | 'cut'; // how it fails
  refusal: string;
}

const bytes = (text: string) => [...Buffer.from(text, 'utf8')];

/** A probability between 0.25 and 1 that depends on the place and the text alone. */
function probability(text: string, index: number): number {
  const spread = (text.length * 7 + index * 13) % 19;
  return spread < 13 ? 0.9 + spread / 140 : 0.25 + (spread - 13) / 10;
}

function logprob(token: string, raw: number[], p: number): Logprob {
  const rest = (1 - p) / 2;
  const top = [
    { token, logprob: Math.log(p), bytes: raw },
    { token: ' perhaps', logprob: Math.log(rest * 1.2), bytes: bytes(' perhaps') },
    { token: ' a', logprob: Math.log(rest * 0.6), bytes: bytes(' a') },
    { token: '\n', logprob: Math.log(rest * 0.2), bytes: bytes('\n') },
  ];
  const sorted = top.sort((a, b) => b.logprob - a.logprob);
  return { token, logprob: Math.log(p), bytes: raw, top_logprobs: sorted };
}

function tokensOf(text: string): MockToken[] {
  return (text.match(/\s*[^\s]{1,6}|\s+/g) ?? []).map((piece, index) => ({
    text: piece,
    logprobs: [logprob(piece, bytes(piece), probability(piece, index))],
  }));
}

const STORY =
  'A sheet of paper lay on a desk and wondered what it would become. A letter, perhaps, or a map ' +
  'of a country that nobody had walked yet.\n\nIn the evening a child folded it four times, and it ' +
  'was a boat. It crossed the whole garden before the rain stopped, and that, it thought, was the ' +
  'best thing to be.';

const MARKDOWN = `## A queue in three lines

A **request** waits, *runs* and leaves; see [the guide](https://example.com/guide).

1. It is given blocks of the KV cache.
2. It shares a step with others.

\`\`\`python
def step(scheduler, model):
    output = scheduler.schedule()
    return scheduler.update(output, model(output))
\`\`\`

| part | holds |
|---|---|
| block | 16 tokens |
| table | the blocks of a request |

> Nothing is copied: \`block_table\` points at it.`;

const ATTACK = `<img src=x onerror="window.wasHit = true"> <b style="color: red">bold</b>
![chart](https://example.com/chart.png) [bad](javascript:alert(1))

<script>window.wasHit = true</script>`;

const THOUGHTS =
  'The user asks for the product of 17 and 24.\n17 × 24 = 17 × 20 + 17 × 4 = 340 + 68 = 408.';

const WEATHER_CALLS = [
  { index: 0, id: 'call-0', name: 'get_weather', arguments: '{"city": "Lisbon"}' },
];

const nothing: MockAnswer = {
  reasoning: [],
  tokens: [],
  toolCalls: [],
  finishReason: 'stop',
  pauseMs: 2,
  end: '',
  refusal: '',
};

const EMOJI_TOKENS: MockToken[] = [
  { text: 'Yes ', logprobs: [logprob('Yes ', bytes('Yes '), 0.8)] },
  { text: '', logprobs: [logprob('\ufffd', [0xf0, 0x9f], 0.5)] },
  { text: '🌱', logprobs: [logprob('\ufffd', [0x8c, 0xb1], 0.5)] },
];

function long(numWords: number): string {
  return Array.from({ length: numWords }, (_, i) => `word${i}`).join(' ');
}

/** What the mock answers: decided by a word in the last message. */
export function answerTo({ messages, tools }: SeenRequest): MockAnswer {
  const last = messages.at(-1)!;
  const text = (last.content ?? '').toLowerCase();
  if (last.role === 'tool') {
    return { ...nothing, tokens: tokensOf(`The tool says: ${last.content}. Take a light jacket.`) };
  }
  if (tools && text.includes('weather')) {
    return { ...nothing, toolCalls: WEATHER_CALLS, finishReason: 'tool_calls' };
  }
  if (text.includes('refuse')) {
    return { ...nothing, refusal: 'This model’s maximum context length is 4096 tokens.' };
  }
  if (text.includes('die')) return { ...nothing, tokens: tokensOf('It began'), end: 'error' };
  if (text.includes('cut')) return { ...nothing, tokens: tokensOf('It began'), end: 'cut' };
  if (text.includes('slow')) return { ...nothing, tokens: tokensOf(long(400)), pauseMs: 40 };
  if (text.includes('long')) return { ...nothing, tokens: tokensOf(long(700)), pauseMs: 0 };
  if (text.includes('short')) {
    return { ...nothing, tokens: tokensOf('Too little'), finishReason: 'length' };
  }
  if (text.includes('attack')) return { ...nothing, tokens: tokensOf(ATTACK) };
  if (text.includes('markdown')) return { ...nothing, tokens: tokensOf(MARKDOWN) };
  if (text.includes('emoji')) return { ...nothing, tokens: EMOJI_TOKENS };
  if (text.includes('×') || text.includes('think')) {
    return {
      ...nothing,
      reasoning: THOUGHTS.match(/.{1,8}/gs) ?? [],
      tokens: tokensOf('17 × 24 is **408**.'),
    };
  }
  return { ...nothing, tokens: tokensOf(STORY) };
}
