/** The server's refusal, or that it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface Model {
  id: string;
  maxModelLen: number | null; // tokens of prompt and answer together
}

/** A path of the API, relative to the page, so that a proxy may put a prefix before both. */
function url(path: string): string {
  return new URL(path, document.baseURI).href;
}

function headers(apiKey: string): Record<string, string> {
  return apiKey ? { Authorization: `Bearer ${apiKey}` } : {};
}

async function request(path: string, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url(path), { ...options, credentials: 'same-origin' });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached. Is it still running?');
  }
  if (!response.ok) throw new ApiError(response.status, await errorMessage(response));
  return response;
}

async function errorMessage(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  const plain = text.trim() || response.statusText || 'No reason was given.';
  try {
    return errorOf(JSON.parse(text)) ?? plain;
  } catch {
    return plain;
  }
}

/** What a body in OpenAI's error shape, or one of its neighbours, says; null: it is another. */
export function errorOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const { error, message, detail } = body as Record<string, unknown>;
  const nested =
    typeof error === 'object' && error !== null ? (error as { message?: unknown }) : {};
  const found = [nested.message, error, message, detail].find((each) => typeof each === 'string');
  return (found as string | undefined) ?? null;
}

export async function fetchModels(apiKey: string): Promise<Model[]> {
  const response = await request('v1/models', { headers: headers(apiKey) });
  const body = (await response.json()) as { data?: { id: string; max_model_len?: number }[] };
  return (body.data ?? []).map(({ id, max_model_len }) => ({
    id,
    maxModelLen: max_model_len ?? null,
  }));
}

export async function fetchVersion(): Promise<string | null> {
  try {
    const body = (await (await request('version', {})).json()) as { version?: string };
    return body.version ?? null;
  } catch {
    return null;
  }
}

export async function fetchMetrics(signal: AbortSignal): Promise<string> {
  return (await request('metrics', { signal })).text();
}

/** Posts a chat completion; the response's body is a stream of events. */
export async function postChat(
  body: object,
  apiKey: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await request('v1/chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers(apiKey) },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.body) throw new ApiError(response.status, 'The server sent an empty answer.');
  return response.body;
}
