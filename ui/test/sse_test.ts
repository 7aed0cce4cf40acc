import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents, SseParser, type ServerSentEvent } from '../src/api/sse';

const encoder = new TextEncoder();

function parse(...pieces: (string | Uint8Array)[]): ServerSentEvent[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) =>
    parser.push(typeof piece === 'string' ? encoder.encode(piece) : piece),
  );
}

const dataOf = (events: ServerSentEvent[]) => events.map(({ data }) => data);

test('an event ends with an empty line', () => {
  assert.deepEqual(parse('data: a\n\ndata: b\n\n'), [
    { event: 'message', data: 'a' },
    { event: 'message', data: 'b' },
  ]);
});

test('an event without its empty line is not an event yet', () => {
  assert.deepEqual(parse('data: a\n'), []);
  assert.deepEqual(dataOf(parse('data: a\n', '\n')), ['a']);
});

test('all three line ends are line ends, wherever the stream is cut', () => {
  assert.deepEqual(dataOf(parse('data: a\r\n\r\ndata: b\r\rdata: c\n\n')), ['a', 'b', 'c']);
  assert.deepEqual(dataOf(parse('data: a\r', '\n\r', '\ndata: b\r', '\n', '\r\n')), ['a', 'b']);
});

test('data lines of one event are joined', () => {
  assert.deepEqual(dataOf(parse('data: a\ndata:\ndata:  b\n\n')), ['a\n\n b']);
});

test('comments, unknown fields and empty events are passed over', () => {
  const text = ': ping\n\nid: 7\nretry: 3\nevent: x\n\ndata: a\n:\ndata\n\n';
  assert.deepEqual(parse(text), [{ event: 'message', data: 'a\n' }]);
});

test('an event may have a name, which holds for it alone', () => {
  assert.deepEqual(parse('event: error\ndata: a\n\ndata: b\n\n'), [
    { event: 'error', data: 'a' },
    { event: 'message', data: 'b' },
  ]);
});

test('a byte order mark at the start is dropped', () => {
  assert.deepEqual(dataOf(parse('\ufeffdata: a\n\n')), ['a']);
});

test('any cut of a stream gives the same events', () => {
  const text = 'data: {"a":"é 🌱"}\r\n\r\n: note\r\nevent: e\rdata: 1\rdata: 2\r\rdata: [DONE]\n\n';
  const bytes = encoder.encode(text);
  const whole = parse(text);
  assert.equal(whole.length, 3);
  for (let i = 0; i <= bytes.length; ++i) {
    for (let j = i; j <= bytes.length; ++j) {
      const pieces = [bytes.slice(0, i), bytes.slice(i, j), bytes.slice(j)];
      assert.deepEqual(parse(...pieces), whole, `cut at ${i} and ${j}`);
    }
  }
});

test('leaving the events of a body early cancels it', async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode('data: a\n\n')),
    cancel: () => void (isCancelled = true),
  });
  for await (const { data } of readEvents(body)) {
    assert.equal(data, 'a');
    break;
  }
  assert.ok(isCancelled);
});
