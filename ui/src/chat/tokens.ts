import type { Token } from '../state/conversation';

/** Tokens that make whole characters only together; mostly one. */
export interface TokenGroup {
  text: string;
  tokens: Token[];
  probability: number; // of all its tokens: 0 … 1
}

/** Whether UTF-8 bytes end inside a character. */
function endsInside(bytes: number[]): boolean {
  for (let back = 1; back <= Math.min(3, bytes.length); ++back) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return false;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
  }
  return false;
}

export function groupTokens(tokens: Token[]): TokenGroup[] {
  const groups: TokenGroup[] = [];
  let open: Token[] = [];
  let bytes: number[] = [];
  const close = () => {
    const isWhole = open.every((token) => token.bytes !== null);
    groups.push({
      text: isWhole
        ? new TextDecoder().decode(new Uint8Array(bytes))
        : open.map((token) => token.text).join(''),
      tokens: open,
      probability: Math.exp(open.reduce((total, token) => total + token.logprob, 0)),
    });
    open = [];
    bytes = [];
  };
  for (const token of tokens) {
    open.push(token);
    bytes.push(...(token.bytes ?? []));
    if (token.bytes === null || !endsInside(bytes)) close();
  }
  if (open.length > 0) close();
  return groups;
}

/** Text with what cannot be seen made visible. */
export function visible(text: string): string {
  return text.replace(/\n/g, '↵').replace(/\t/g, '⇥').replace(/ /g, '␣') || '∅';
}

export function percent(probability: number): string {
  const value = probability * 100;
  if (value > 0 && value < 0.01) return '< 0.01 %';
  return `${value >= 99.95 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)} %`;
}
