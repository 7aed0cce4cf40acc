import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { chatRequest } from '../src/api/chat_request';
import { addChunk, readAnswers, type Chunk } from '../src/api/chat_stream';
import { groupTokens, percent, visible } from '../src/chat/tokens';
import {
  newAnswer,
  newConversation,
  titleOf,
  type Answer,
  type Token,
} from '../src/state/conversation';
import { DEFAULT_SETTINGS, parseTools } from '../src/state/settings';

globalThis.crypto ??= webcrypto as Crypto; // Node.js 18 has it under this name only

const settings = DEFAULT_SETTINGS;

function conversation() {
  const called: Answer = {
    ...newAnswer('m'),
    reasoning: 'hidden',
    toolCalls: [{ id: 'c1', name: 'f', arguments: '{}', result: '42' }],
  };
  return {
    ...newConversation(' be kind '),
    turns: [
      { role: 'user' as const, id: '1', content: 'hi' },
      { role: 'assistant' as const, id: '2', variants: [newAnswer('m'), called], selected: 1 },
    ],
  };
}

test('a request holds the system prompt, the chosen answers and the results of tools', () => {
  assert.deepEqual(chatRequest(conversation(), settings, 'm')['messages'], [
    { role: 'system', content: 'be kind' },
    { role: 'user', content: 'hi' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: '42' },
  ]);
});

test('a request names only what the user set', () => {
  const plain = chatRequest(newConversation(''), settings, 'm');
  assert.deepEqual(Object.keys(plain).sort(), ['messages', 'model', 'stream', 'stream_options']);
  const sampling = { ...settings.sampling, temperature: 0, stop: ['END'] };
  const set = chatRequest(newConversation(''), { ...settings, sampling }, 'm');
  assert.equal(set['temperature'], 0);
  assert.deepEqual(set['stop'], ['END']);
  assert.ok(!('top_p' in set));
});

test('tools that cannot be read are refused before anything is sent', () => {
  const broken = { ...settings, usesTools: true, tools: '{' };
  assert.throws(
    () => chatRequest(newConversation(''), broken, 'm'),
    /^Error: Tools: Not valid JSON/,
  );
});

test('tools are checked for what every server wants', () => {
  assert.equal(parseTools(settings.tools).error, null);
  assert.match(parseTools('{}').error!, /array/);
  assert.match(parseTools('[]').error!, /empty/);
  assert.match(parseTools('[{"type":"function"}]').error!, /Tool 1 needs/);
  assert.match(parseTools('[null]').error!, /Tool 1 needs/);
});

const chunk = (choice: object): Chunk => ({ choices: [{ index: 0, ...choice }] });

test('pieces of reasoning, text and tool calls are joined', () => {
  const calls = (tool_calls: object[]) => chunk({ delta: { tool_calls } });
  const chunks: Chunk[] = [
    chunk({ delta: { role: 'assistant', content: '' } }),
    chunk({ delta: { reasoning: 'a' } }),
    chunk({ delta: { reasoning_content: 'b' } }),
    chunk({ delta: { content: 'c' } }),
    calls([{ index: 0, id: 'x', function: { name: 'f', arguments: '' } }]),
    calls([{ index: 0, function: { arguments: '{"a"' } }]),
    calls([
      { index: 0, function: { arguments: ':1}' } },
      { index: 1, id: 'y', function: { name: 'g', arguments: '{}' } },
    ]),
    chunk({ delta: {}, finish_reason: 'tool_calls' }),
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: 9 } },
  ];
  let answers = [newAnswer('m')];
  chunks.forEach((each, i) => (answers = addChunk(answers, each, i * 10)));
  const [answer] = answers;
  assert.equal(answer!.reasoning, 'ab');
  assert.equal(answer!.content, 'c');
  assert.deepEqual(
    answer!.toolCalls.map(({ id, name, arguments: text }) => [id, name, text]),
    [
      ['x', 'f', '{"a":1}'],
      ['y', 'g', '{}'],
    ],
  );
  assert.equal(answer!.finishReason, 'tool_calls');
  assert.equal(answer!.usage!.completionTokens, 9);
  assert.deepEqual([answer!.timing.firstMs, answer!.timing.thoughtMs], [10, 20]);
});

test('each choice is an answer of its own', () => {
  const both = { choices: [1, 0].map((index) => ({ index, delta: { content: `${index}` } })) };
  const answers = addChunk([newAnswer('m')], both, 0);
  assert.deepEqual(
    answers.map(({ content }) => content),
    ['0', '1'],
  );
});

function body(...lines: string[]): ReadableStream<Uint8Array> {
  return new Blob(lines.map((line) => `data: ${line}\n\n`)).stream() as ReadableStream<Uint8Array>;
}

const A = '{"choices":[{"index":0,"delta":{"content":"a"}}]}';
const END = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';

test('a stream is read to its end', async () => {
  let last: Answer[] = [];
  await readAnswers(
    body(A, A, END, '[DONE]', A),
    'm',
    () => 0,
    (answers) => (last = answers),
  );
  assert.equal(last[0]!.content, 'aa');
});

test('an error inside the stream, and an early end, are errors', async () => {
  const read = (...lines: string[]) =>
    readAnswers(
      body(...lines),
      'm',
      () => 0,
      () => undefined,
    );
  await assert.rejects(read(A, '{"error":{"message":"the engine died"}}'), /the engine died/);
  await assert.rejects(read(A), /ended early/);
  await read(A, END); // some servers leave the [DONE] out
});

const token = (text: string, bytes: number[] | null, logprob = Math.log(0.5)): Token => ({
  text,
  logprob,
  bytes,
  alternatives: [],
});

test('tokens that share a character are shown together', () => {
  const groups = groupTokens([
    token('a', [0x61]),
    token('\ufffd', [0xf0, 0x9f]),
    token('\ufffd', [0x8c, 0xb1]),
    token('é', [0xc3, 0xa9]),
  ]);
  assert.deepEqual(
    groups.map(({ text, probability }) => [text, Number(probability.toFixed(6))]),
    [
      ['a', 0.5],
      ['🌱', 0.25],
      ['é', 0.5],
    ],
  );
});

test('tokens without bytes, and bytes that are no character, stay apart', () => {
  const texts = (...tokens: Token[]) => groupTokens(tokens).map(({ text }) => text);
  assert.deepEqual(texts(token('x', null), token('y', null)), ['x', 'y']);
  assert.deepEqual(texts(token('?', [0x80]), token('a', [0x61])), ['\ufffd', 'a']);
  assert.deepEqual(texts(token('?', [0xe2, 0x82])), ['\ufffd']);
});

test('what cannot be seen is made visible, and small probabilities keep their digits', () => {
  assert.equal(visible(' a\n\t'), '␣a↵⇥');
  assert.deepEqual([1, 0.9996, 0.5, 0.0049, 0.00001].map(percent), [
    '100 %',
    '100 %',
    '50.0 %',
    '0.49 %',
    '< 0.01 %',
  ]);
});

test('a title is the beginning of the first message, cut between words', () => {
  assert.equal(titleOf(' Hello,\n  world '), 'Hello, world');
  const long = titleOf('one two three four five six seven eight nine ten eleven');
  assert.equal(long, 'one two three four five six seven eight nine…');
});
