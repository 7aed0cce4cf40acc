/** One server-sent event. */
export interface ServerSentEvent {
  event: string; // "message" when the stream names none
  data: string; // lines of one event are joined by \n
}

/**
 * Turns pieces of a text/event-stream into events, wherever the pieces were cut. A line ends with
 * \n, \r or \r\n; an event ends with an empty line, and one that never gets it is dropped.
 */
export class SseParser {
  private readonly decoder = new TextDecoder(); // drops a byte order mark
  private line = '';
  private endedWithReturn = false; // the last character seen was \r: a \n next belongs to it
  private event = '';
  private data: string[] = [];

  /** The events that `bytes` completes. */
  push(bytes: Uint8Array): ServerSentEvent[] {
    return this.pushText(this.decoder.decode(bytes, { stream: true }));
  }

  private pushText(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    let start = 0;
    for (let i = 0; i < text.length; ++i) {
      const character = text[i];
      const isSecondHalf = character === '\n' && this.endedWithReturn;
      this.endedWithReturn = character === '\r';
      if (isSecondHalf) {
        start = i + 1;
      } else if (character === '\n' || character === '\r') {
        this.takeLine(this.line + text.slice(start, i), events);
        this.line = '';
        start = i + 1;
      }
    }
    this.line += text.slice(start);
    return events;
  }

  private takeLine(line: string, events: ServerSentEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) {
        events.push({ event: this.event || 'message', data: this.data.join('\n') });
      }
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') this.data.push(value);
    if (field === 'event') this.event = value;
  }
}

/** Browsers say no more than "network error", each in its own words; an abort is none. */
function tellLostConnection(error: unknown): never {
  throw error instanceof TypeError ? new Error('The connection was lost.') : error;
}

/** The events of a response's body, as they arrive. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(tellLostConnection);
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
