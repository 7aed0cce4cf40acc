// What a conversation is. All of it is plain data: it is stored as JSON and replaced, not changed.

export interface Alternative {
  text: string;
  logprob: number; // natural logarithm
}

export interface Token extends Alternative {
  bytes: number[] | null; // UTF-8; null: the server did not say
  alternatives: Alternative[]; // most likely first; the chosen token may be one of them
}

export interface ToolCall {
  id: string;
  name: string;
  arguments: string; // JSON text, whole only when the answer is
  result: string | null; // what the user answered
}

export interface Usage {
  promptTokens: number;
  completionTokens: number | null; // null: the server told only the sum over several answers
  cachedTokens: number | null;
}

export interface Timing {
  firstMs: number | null; // from the request to the first piece of text
  thoughtMs: number | null; // from the first thought to the first word of the answer
  totalMs: number | null; // from the request to the end
}

export interface Answer {
  model: string;
  content: string;
  reasoning: string;
  toolCalls: ToolCall[];
  tokens: Token[]; // only when probabilities were asked for
  finishReason: string | null; // null: still being written, or cut off
  error: string | null;
  usage: Usage | null;
  timing: Timing;
}

export interface UserTurn {
  role: 'user';
  id: string;
  content: string;
}

/** What the model said. Each time it is asked again, a variant is added. */
export interface AssistantTurn {
  role: 'assistant';
  id: string;
  variants: Answer[]; // at least one
  selected: number;
}

export type Turn = UserTurn | AssistantTurn;

export interface Conversation {
  id: string;
  title: string; // empty until the first message
  updatedAt: number; // milliseconds since 1970
  systemPrompt: string;
  turns: Turn[];
}

export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function newConversation(systemPrompt: string): Conversation {
  return { id: newId(), title: '', updatedAt: Date.now(), systemPrompt, turns: [] };
}

export function newAnswer(model: string): Answer {
  return {
    model,
    content: '',
    reasoning: '',
    toolCalls: [],
    tokens: [],
    finishReason: null,
    error: null,
    usage: null,
    timing: { firstMs: null, thoughtMs: null, totalMs: null },
  };
}

export function selectedAnswer(turn: AssistantTurn): Answer {
  return turn.variants[turn.selected] ?? turn.variants[0]!;
}

/** Whether tools were called that the user has not answered yet. */
export function awaitsToolResults(conversation: Conversation): boolean {
  const last = conversation.turns.at(-1);
  return (
    last?.role === 'assistant' &&
    selectedAnswer(last).toolCalls.some((call) => call.result === null)
  );
}

/** The first words of the first message. */
export function titleOf(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  if (line.length <= 48) return line;
  const cut = line.slice(0, 48);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), 24))}…`;
}

export function replaceTurn(conversation: Conversation, turn: Turn): Conversation {
  const turns = conversation.turns.map((each) => (each.id === turn.id ? turn : each));
  return { ...conversation, turns };
}

/** The conversation up to and with the turn `id`; without it when `inclusive` is false. */
export function cutAfter(conversation: Conversation, id: string, inclusive: boolean): Conversation {
  const at = conversation.turns.findIndex((turn) => turn.id === id);
  if (at < 0) return conversation;
  return { ...conversation, turns: conversation.turns.slice(0, inclusive ? at + 1 : at) };
}
