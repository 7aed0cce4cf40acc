import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockMetrics } from './mock_metrics';
import { answerTo, type MockAnswer } from './mock_answers';

/** The parts of a chat request that the mock looks at; tests look at all. */
export interface SeenRequest {
  model: string;
  messages: { role: string; content: string | null; tool_call_id?: string }[];
  n?: number;
  logprobs?: boolean;
  tools?: unknown[];
  [field: string]: unknown;
}

export interface MockOptions {
  html: string;
  policy: string; // the page's Content-Security-Policy
  apiKey?: string;
}

type Json = Record<string, unknown>;

/** Speaks the endpoints that the page uses; what it says depends on the prompt alone. */
export class MockServer {
  readonly requests: SeenRequest[] = []; // of chats, as they came
  readonly metrics = new MockMetrics();
  numPolls = 0; // of /metrics
  isBroken = false; // /metrics answers with an error
  numAborted = 0; // chats whose client went away before the end
  url = '';
  private readonly server = createServer((request, response) => void this.serve(request, response));

  constructor(private readonly options: MockOptions) {}

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://mock');
    const key = this.options.apiKey;
    if (pathname === '/') {
      response.setHeader('Content-Security-Policy', this.options.policy);
      send(response, 200, 'text/html; charset=utf-8', this.options.html);
    } else if (pathname === '/metrics') {
      this.numPolls += 1;
      if (this.isBroken) sendJson(response, 503, { error: { message: 'The engine is dead.' } });
      else send(response, 200, 'text/plain; version=0.0.4', this.metrics.next());
    } else if (pathname === '/version') {
      sendJson(response, 200, { version: '0.1.0' });
    } else if (key && request.headers.authorization !== `Bearer ${key}`) {
      sendJson(response, 401, { error: 'Unauthorized' });
    } else if (pathname === '/v1/models') {
      const data = ['paper-7b', 'paper-70b'].map((id) => ({ id, max_model_len: 4096 }));
      sendJson(response, 200, { object: 'list', data });
    } else if (pathname === '/v1/chat/completions') {
      await this.chat(JSON.parse(await bodyOf(request)) as SeenRequest, response);
    } else {
      sendJson(response, 404, { error: { message: 'Not Found' } });
    }
  }

  private async chat(request: SeenRequest, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    const answer = answerTo(request);
    if (answer.refusal) {
      const error = { message: answer.refusal, type: 'BadRequestError', param: null, code: 400 };
      sendJson(response, 400, { error });
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.on('close', () => (this.numAborted += response.writableFinished ? 0 : 1));
    for (const chunk of chunksOf(request, answer)) {
      if (response.destroyed) return;
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      if (answer.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, answer.pauseMs));
    }
    if (answer.end === 'cut') {
      await new Promise((resolve) => setTimeout(resolve, 50)); // what was sent arrives
      response.destroy();
      return;
    }
    if (answer.end === 'error') {
      response.write(`data: ${JSON.stringify({ error: { message: 'The engine died.' } })}\n\n`);
    }
    response.end('data: [DONE]\n\n');
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(body);
}

function sendJson(response: ServerResponse, status: number, body: Json): void {
  send(response, status, 'application/json', JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function* chunksOf(request: SeenRequest, answer: MockAnswer): Generator<Json> {
  const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model: request.model };
  const num = request.n ?? 1;
  for (let index = 0; index < num; ++index) {
    const chunk = (delta: Json, more: Json = {}) => ({
      ...base,
      choices: [{ index, delta, finish_reason: null, ...more }],
    });
    yield chunk({ role: 'assistant', content: '' });
    for (const reasoning of answer.reasoning) yield chunk({ reasoning });
    for (const token of answer.tokens) {
      const content =
        num > 1 && token === answer.tokens[0] ? `(${index + 1}) ${token.text}` : token.text;
      yield chunk({ content }, request.logprobs ? { logprobs: { content: token.logprobs } } : {});
    }
    for (const call of answer.toolCalls) {
      const half = Math.floor(call.arguments.length / 2);
      const { index: at, id, name } = call;
      yield chunk({ tool_calls: [{ index: at, id, type: 'function', function: { name } }] });
      for (const piece of [call.arguments.slice(0, half), call.arguments.slice(half)]) {
        yield chunk({ tool_calls: [{ index: at, function: { arguments: piece } }] });
      }
    }
    if (!answer.end) yield chunk({}, { finish_reason: answer.finishReason });
  }
  const num_tool_tokens = 14 * answer.toolCalls.length;
  const completion_tokens =
    (answer.tokens.length + answer.reasoning.length + num_tool_tokens) * num;
  if (!answer.end) yield { ...base, choices: [], usage: { prompt_tokens: 21, completion_tokens } };
}
