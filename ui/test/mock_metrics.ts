const LABELS = '{model_name="paper-7b",engine="0"}';
const TTFT_BOUNDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5];
const ITL_BOUNDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5];
const E2E_BOUNDS = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30];

class MockHistogram {
  private readonly counts: number[];
  private sum = 0;
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly bounds: number[],
  ) {
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count += 1;
    this.bounds.forEach((bound, i) => (this.counts[i]! += value <= bound ? 1 : 0));
  }

  text(): string {
    const labels = LABELS.slice(0, -1);
    const buckets = this.bounds.map(
      (bound, i) => `${this.name}_bucket${labels},le="${bound}"} ${this.counts[i]}`,
    );
    return [
      `# TYPE ${this.name} histogram`,
      ...buckets,
      `${this.name}_bucket${labels},le="+Inf"} ${this.count}`,
      `${this.name}_sum${LABELS} ${this.sum}`,
      `${this.name}_count${LABELS} ${this.count}`,
    ].join('\n');
  }
}

/** What the latest reading said, for tests to compare with. */
export interface MockReading {
  running: number;
  waiting: number;
  kvUsage: number;
  hitRate: (seconds: number) => number;
  generationRate: (seconds: number) => number;
}

/** A server's day in two minutes: each reading is one second later. */
export class MockMetrics {
  numReadings = 0;
  last: MockReading | null = null;
  private past: { hits: number; queries: number; generation: number }[] = [];
  private prompt = 52_000;
  private generation = 410_000;
  private queries = 52_000;
  private hits = 21_000;
  private finished = 1_204;
  private readonly ttft = new MockHistogram('vllm:time_to_first_token_seconds', TTFT_BOUNDS);
  private readonly itl = new MockHistogram('vllm:inter_token_latency_seconds', ITL_BOUNDS);
  private readonly e2e = new MockHistogram('vllm:e2e_request_latency_seconds', E2E_BOUNDS);

  /** Starts over, as a server that was started again. */
  restart(): void {
    Object.assign(this, new MockMetrics());
    this.prompt = this.generation = this.queries = this.hits = this.finished = 0;
  }

  next(): string {
    const t = this.numReadings++;
    const wave = (period: number, phase = 0) => Math.sin((t * 2 * Math.PI) / period + phase);
    const running = Math.round(24 + 9 * wave(55) + 3 * wave(13));
    const waiting = Math.max(0, Math.round(running - 28));
    this.prompt += Math.round(760 + 260 * wave(41) + 90 * wave(9));
    this.generation += running * 61 + Math.round(40 * wave(7));
    this.queries += 800;
    this.hits += Math.round(800 * (0.62 + 0.14 * wave(70)));
    this.finished += 5;
    const kvUsage = 0.46 + 0.2 * wave(55) + 0.03 * wave(11);
    this.past.push({ hits: this.hits, queries: this.queries, generation: this.generation });
    const past = this.past;
    const before = (seconds: number) => past.at(-1 - seconds) ?? past[0]!;
    this.last = {
      running,
      waiting,
      kvUsage,
      hitRate: (seconds) =>
        (past.at(-1)!.hits - before(seconds).hits) /
        (past.at(-1)!.queries - before(seconds).queries),
      generationRate: (seconds) => (past.at(-1)!.generation - before(seconds).generation) / seconds,
    };
    for (let i = 0; i < 20; ++i) {
      const slow = i % 10 === 0 ? 2.4 : 1;
      this.ttft.observe((0.03 + 0.0015 * i + 0.0012 * running * (1 + 0.3 * wave(31))) * slow);
      this.itl.observe((0.012 + 0.0004 * i + 0.0004 * running) * slow);
      this.e2e.observe(1.1 + 0.06 * i + 0.03 * running);
    }
    const sample = (name: string, value: number) => `vllm:${name}${LABELS} ${value}`;
    return [
      '# HELP vllm:num_requests_running Requests in the batch.',
      sample('num_requests_running', running),
      sample('num_requests_waiting', waiting),
      sample('kv_cache_usage_perc', kvUsage),
      sample('prefix_cache_queries_total', this.queries),
      sample('prefix_cache_hits_total', this.hits),
      sample('prompt_tokens_total', this.prompt),
      sample('generation_tokens_total', this.generation),
      sample('num_preemptions_total', 3),
      `vllm:request_success_total${LABELS.slice(0, -1)},finished_reason="stop"} ${this.finished}`,
      `vllm:request_success_total${LABELS.slice(0, -1)},finished_reason="length"} 41`,
      this.ttft.text(),
      this.itl.text(),
      this.e2e.text(),
      '',
    ].join('\n');
  }
}
