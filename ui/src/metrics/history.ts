import {
  difference,
  histogram,
  mean,
  quantileOf,
  sum,
  type Histogram,
  type Samples,
} from './prometheus';

/** What the dashboard shows of one moment. null: unknown, or nothing happened. */
export interface Point {
  time: number; // seconds since 1970
  running: number | null;
  waiting: number | null;
  kvUsage: number | null; // 0 … 1
  hitRate: number | null; // 0 … 1, of the prompt tokens looked up in the window
  promptTokens: number | null; // per second
  generationTokens: number | null; // per second
  finished: number | null; // requests per second
  ttft: Percentiles; // seconds
  itl: Percentiles;
  e2e: Percentiles;
}

export interface Percentiles {
  p50: number | null;
  p90: number | null;
  p99: number | null;
}

/** Sums since the server started. */
export interface Totals {
  promptTokens: number | null;
  generationTokens: number | null;
  finished: number | null;
  finishedByReason: [reason: string, count: number][];
  preemptions: number | null;
  hitRate: number | null;
}

interface Reading {
  time: number;
  samples: Samples;
}

export const HISTORY_SECONDS = 150;
export const RATE_SECONDS = 3; // rates are over this time: steps come in bursts
export const WINDOW_SECONDS = 15; // percentiles and hit rate need more observations than a rate

const QUERIES = 'vllm:prefix_cache_queries_total';
const HITS = 'vllm:prefix_cache_hits_total';
const PROMPT = 'vllm:prompt_tokens_total';
const GENERATION = 'vllm:generation_tokens_total';
const FINISHED = 'vllm:request_success_total';
const PREEMPTIONS = 'vllm:num_preemptions_total';
const COUNTERS = [QUERIES, HITS, PROMPT, GENERATION, FINISHED];

function ratio(part: number | null, whole: number | null): number | null {
  return part !== null && whole !== null && whole > 0 ? part / whole : null;
}

function percentiles(buckets: Histogram): Percentiles {
  return {
    p50: quantileOf(buckets, 0.5),
    p90: quantileOf(buckets, 0.9),
    p99: quantileOf(buckets, 0.99),
  };
}

/** Readings of /metrics of the last minutes, and the points made of them. */
export class MetricsHistory {
  private readings: Reading[] = [];
  points: Point[] = [];

  /** Takes a reading; `time` in seconds, later than that of the last one. */
  add(time: number, samples: Samples): void {
    if (this.isRestart(samples)) this.readings = [];
    this.readings.push({ time, samples });
    this.points.push(this.pointOf({ time, samples }));
    const oldest = time - HISTORY_SECONDS;
    this.points = this.points.filter((point) => point.time >= oldest);
    this.readings = this.readings.filter((each) => each.time >= time - 2 * WINDOW_SECONDS);
  }

  totals(): Totals | null {
    const samples = this.readings.at(-1)?.samples;
    if (!samples) return null;
    return {
      promptTokens: sum(samples, PROMPT),
      generationTokens: sum(samples, GENERATION),
      finished: sum(samples, FINISHED),
      finishedByReason: finishedByReason(samples),
      preemptions: sum(samples, PREEMPTIONS),
      hitRate: ratio(sum(samples, HITS), sum(samples, QUERIES)),
    };
  }

  /** A counter that fell was born again: the server restarted. */
  private isRestart(samples: Samples): boolean {
    const last = this.readings.at(-1);
    return (
      last !== undefined &&
      COUNTERS.some((name) => (sum(samples, name) ?? 0) < (sum(last.samples, name) ?? 0))
    );
  }

  /** The latest reading that is at least `seconds` old, else the oldest. */
  private before(time: number, seconds: number): Reading {
    const old = this.readings.filter((each) => each.time <= time - seconds);
    return old.at(-1) ?? this.readings[0]!;
  }

  private pointOf({ time, samples }: Reading): Point {
    const recent = this.before(time, RATE_SECONDS);
    const window = this.before(time, WINDOW_SECONDS);
    const grown = (name: string, since: Reading) => {
      const now = sum(samples, name);
      return now === null ? null : now - (sum(since.samples, name) ?? 0);
    };
    const rate = (name: string) => {
      const growth = grown(name, recent);
      return growth === null || time <= recent.time ? null : growth / (time - recent.time);
    };
    const latency = (name: string) =>
      percentiles(difference(histogram(samples, name), histogram(window.samples, name)));
    return {
      time,
      running: sum(samples, 'vllm:num_requests_running'),
      waiting: sum(samples, 'vllm:num_requests_waiting'),
      kvUsage: mean(samples, 'vllm:kv_cache_usage_perc'),
      hitRate: ratio(grown(HITS, window), grown(QUERIES, window)),
      promptTokens: rate(PROMPT),
      generationTokens: rate(GENERATION),
      finished: rate(FINISHED),
      ttft: latency('vllm:time_to_first_token_seconds'),
      itl: latency('vllm:inter_token_latency_seconds'),
      e2e: latency('vllm:e2e_request_latency_seconds'),
    };
  }
}

function finishedByReason(samples: Samples): [string, number][] {
  const counts = new Map<string, number>();
  for (const { labels, value } of samples.get(FINISHED) ?? []) {
    const reason = labels['finished_reason'] ?? 'other';
    counts.set(reason, (counts.get(reason) ?? 0) + value);
  }
  return [...counts].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
}
