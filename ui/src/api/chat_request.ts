import { selectedAnswer, type Conversation, type Turn } from '../state/conversation';
import { parseTools, type Settings } from '../state/settings';

export const NUM_ALTERNATIVES = 5; // most likely tokens shown for each position

type Message = Record<string, unknown> & { role: string };

function messagesOfTurn(turn: Turn): Message[] {
  if (turn.role === 'user') return [{ role: 'user', content: turn.content }];
  const { content, toolCalls } = selectedAnswer(turn);
  if (toolCalls.length === 0) return content ? [{ role: 'assistant', content }] : [];
  const calls = toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  }));
  const results = toolCalls.map(({ id, result }) => ({
    role: 'tool',
    tool_call_id: id,
    content: result ?? '',
  }));
  return [{ role: 'assistant', content: content || null, tool_calls: calls }, ...results];
}

export function messagesOf(conversation: Conversation): Message[] {
  const system = conversation.systemPrompt.trim();
  return [
    ...(system ? [{ role: 'system', content: system }] : []),
    ...conversation.turns.flatMap(messagesOfTurn),
  ];
}

/**
 * The body of POST /v1/chat/completions that continues the conversation. Throws an Error when the
 * tools are switched on and cannot be read.
 */
export function chatRequest(
  conversation: Conversation,
  settings: Settings,
  model: string,
): Record<string, unknown> {
  const body: Record<string, unknown> = {
    model,
    messages: messagesOf(conversation),
    stream: true,
    stream_options: { include_usage: true },
  };
  for (const [name, value] of Object.entries(settings.sampling)) {
    if (Array.isArray(value) ? value.length > 0 : value !== null) body[name] = value;
  }
  if (settings.showsProbabilities) {
    body['logprobs'] = true;
    body['top_logprobs'] = NUM_ALTERNATIVES;
  }
  if (settings.usesTools) {
    const { tools, error } = parseTools(settings.tools);
    if (error !== null) throw new Error(`Tools: ${error}`);
    body['tools'] = tools;
    body['tool_choice'] = settings.toolChoice;
  }
  return body;
}
