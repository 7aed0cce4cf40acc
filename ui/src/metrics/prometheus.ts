export interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** Samples by name; those of a histogram under name_bucket, name_sum and name_count. */
export type Samples = Map<string, Sample[]>;

const SAMPLE = /^([a-zA-Z_:][\w:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const LABEL = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;

function parseNumber(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text); // "NaN" is NaN
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

function parseLabels(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (!match) return null;
    labels[match[1]!] = unescape(match[2]!);
  }
  return labels;
}

/** Prometheus' text format. Comments and lines that are no sample are passed over. */
export function parsePrometheus(text: string): Samples {
  const samples: Samples = new Map();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = SAMPLE.exec(line);
    const labels = match && parseLabels(match[2] ?? '');
    if (!match || !labels) continue;
    const name = match[1]!;
    const found = samples.get(name);
    const sample = { labels, value: parseNumber(match[3]!) };
    if (found) found.push(sample);
    else samples.set(name, [sample]);
  }
  return samples;
}

/** The sum over all labels; null: there is no such metric. */
export function sum(samples: Samples, name: string): number | null {
  const found = samples.get(name);
  return found ? found.reduce((total, { value }) => total + value, 0) : null;
}

/** The mean over all labels, for shares; null: there is no such metric. */
export function mean(samples: Samples, name: string): number | null {
  const found = samples.get(name);
  return found?.length ? found.reduce((total, { value }) => total + value, 0) / found.length : null;
}

/** Cumulative counts by upper bound, in order, over all other labels. */
export type Histogram = { upperBound: number; count: number }[];

export function histogram(samples: Samples, name: string): Histogram {
  const counts = new Map<number, number>();
  for (const { labels, value } of samples.get(`${name}_bucket`) ?? []) {
    const bound = parseNumber(labels['le'] ?? '');
    if (!Number.isNaN(bound)) counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([upperBound, count]) => ({ upperBound, count }));
}

/** What was observed between two readings of one histogram. */
export function difference(now: Histogram, before: Histogram): Histogram {
  const counts = new Map(before.map(({ upperBound, count }) => [upperBound, count]));
  return now.map(({ upperBound, count }) => ({
    upperBound,
    count: count - (counts.get(upperBound) ?? 0),
  }));
}

/**
 * The value that the share `quantile` of the observations does not exceed, evenly spread within its
 * bucket, as Prometheus' histogram_quantile has it; null: nothing was observed.
 */
export function quantileOf(buckets: Histogram, quantile: number): number | null {
  const total = buckets.at(-1)?.count ?? 0;
  if (!(total > 0)) return null;
  const rank = quantile * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const { upperBound, count } = buckets[index]!;
  const below = buckets[index - 1] ?? { upperBound: Math.min(0, upperBound), count: 0 };
  if (upperBound === Infinity) return index > 0 ? below.upperBound : null;
  const inBucket = count - below.count;
  const share = inBucket > 0 ? (rank - below.count) / inBucket : 1;
  return below.upperBound + (upperBound - below.upperBound) * share;
}
