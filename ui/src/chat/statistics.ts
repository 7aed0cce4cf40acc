import type { Answer } from '../state/conversation';

export function seconds(ms: number): string {
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

const ENDS: Record<string, string> = {
  length: 'cut off at the token limit',
  stopped: 'stopped',
  abort: 'aborted by the server',
  error: 'failed',
  repetition: 'ended because it repeated itself',
};

/** What is worth knowing of an answer, in one line. */
export function describe({ usage, timing, finishReason }: Answer): string {
  const parts: string[] = [];
  const { firstMs, totalMs } = timing;
  const num = usage?.completionTokens ?? null;
  if (num !== null) parts.push(`${num.toLocaleString('en')} ${num === 1 ? 'token' : 'tokens'}`);
  if (num !== null && num > 1 && firstMs !== null && totalMs !== null && totalMs > firstMs) {
    const rate = ((num - 1) / (totalMs - firstMs)) * 1000;
    parts.push(`${rate.toLocaleString('en', { maximumFractionDigits: 0 })} tokens/s`);
  }
  if (firstMs !== null) parts.push(`first after ${seconds(firstMs)}`);
  if (usage?.cachedTokens) parts.push(`${usage.cachedTokens.toLocaleString('en')} cached`);
  const end = ENDS[finishReason ?? ''];
  if (end) parts.push(end);
  return parts.join(' · ');
}
