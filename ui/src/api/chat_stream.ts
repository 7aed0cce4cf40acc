import { ApiError, errorOf } from './client';
import { readEvents } from './sse';
import { newAnswer, type Answer, type Token, type ToolCall } from '../state/conversation';

interface ToolCallDelta {
  index?: number;
  id?: string | null;
  function?: { name?: string | null; arguments?: string | null };
}

interface TokenLogprob {
  token: string;
  logprob: number;
  bytes?: number[] | null;
}

interface Choice {
  index: number;
  delta?: {
    content?: string | null;
    reasoning?: string | null;
    reasoning_content?: string | null; // the older name of `reasoning`
    tool_calls?: ToolCallDelta[] | null;
  };
  logprobs?: { content?: (TokenLogprob & { top_logprobs?: TokenLogprob[] })[] | null } | null;
  finish_reason?: string | null;
}

export interface Chunk {
  model?: string;
  choices?: Choice[];
  usage?: {
    prompt_tokens: number;
    completion_tokens: number;
    prompt_tokens_details?: { cached_tokens?: number | null } | null;
  } | null;
}

/** A token's text; one that is a part of a character is told by its bytes. */
function textOf({ token, bytes }: TokenLogprob): string {
  if (!bytes || !token.includes('\ufffd')) return token;
  return `⟨${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('·')}⟩`;
}

function tokensOf(choice: Choice): Token[] {
  return (choice.logprobs?.content ?? []).map((token) => ({
    text: textOf(token),
    logprob: token.logprob,
    bytes: token.bytes ?? null,
    alternatives: (token.top_logprobs ?? []).map((other) => ({
      text: textOf(other),
      logprob: other.logprob,
    })),
  }));
}

function addToolCalls(calls: ToolCall[], deltas: ToolCallDelta[]): ToolCall[] {
  const result = [...calls];
  for (const delta of deltas) {
    const index = delta.index ?? Math.max(result.length - 1, 0);
    const known = result[index] ?? { id: '', name: '', arguments: '', result: null };
    result[index] = {
      ...known,
      id: delta.id ?? known.id,
      name: known.name + (delta.function?.name ?? ''),
      arguments: known.arguments + (delta.function?.arguments ?? ''),
    };
  }
  return result;
}

/** The answer with what one chunk adds to it, `elapsedMs` after the request. */
export function addChoice(answer: Answer, choice: Choice, elapsedMs: number): Answer {
  const delta = choice.delta ?? {};
  const reasoning = delta.reasoning ?? delta.reasoning_content ?? '';
  const content = delta.content ?? '';
  const calls = delta.tool_calls ?? [];
  const timing = { ...answer.timing };
  if (reasoning || content || calls.length > 0) timing.firstMs ??= elapsedMs;
  if ((content || calls.length > 0) && answer.reasoning && timing.firstMs !== null) {
    timing.thoughtMs ??= elapsedMs - timing.firstMs;
  }
  return {
    ...answer,
    timing,
    reasoning: answer.reasoning + reasoning,
    content: answer.content + content,
    toolCalls: calls.length > 0 ? addToolCalls(answer.toolCalls, calls) : answer.toolCalls,
    tokens: choice.logprobs?.content ? [...answer.tokens, ...tokensOf(choice)] : answer.tokens,
    finishReason: choice.finish_reason ?? answer.finishReason,
  };
}

/** The answers with what one chunk adds to them: one answer for each choice. */
export function addChunk(answers: Answer[], chunk: Chunk, elapsedMs: number): Answer[] {
  let result = [...answers];
  for (const choice of chunk.choices ?? []) {
    const model = chunk.model ?? result[0]?.model ?? '';
    while (result.length <= choice.index) result.push(newAnswer(model));
    result[choice.index] = addChoice(result[choice.index]!, choice, elapsedMs);
  }
  const { usage } = chunk;
  if (usage) {
    // The server counts all choices together.
    const completionTokens = result.length === 1 ? usage.completion_tokens : null;
    result = result.map((answer) => ({
      ...answer,
      usage: {
        promptTokens: usage.prompt_tokens,
        completionTokens,
        cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? null,
      },
    }));
  }
  return result;
}

/**
 * Reads a stream of chunks to its end and calls `onChange` with all answers after each. Throws an
 * ApiError when the server reports an error inside the stream, or ends it early.
 */
export async function readAnswers(
  body: ReadableStream<Uint8Array>,
  model: string,
  elapsedMs: () => number,
  onChange: (answers: Answer[]) => void,
): Promise<void> {
  let answers = [newAnswer(model)];
  for await (const { data } of readEvents(body)) {
    if (data === '[DONE]') return;
    const chunk: unknown = JSON.parse(data);
    const error = errorOf(chunk);
    if (error !== null) throw new ApiError(500, error);
    answers = addChunk(answers, chunk as Chunk, elapsedMs());
    onChange(answers);
  }
  if (answers.every((answer) => answer.finishReason === null)) {
    throw new ApiError(0, 'The answer ended early: the connection was lost.');
  }
}
