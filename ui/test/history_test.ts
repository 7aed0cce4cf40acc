import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HISTORY_SECONDS, MetricsHistory } from '../src/metrics/history';
import { parsePrometheus } from '../src/metrics/prometheus';

interface Values {
  generation?: number;
  queries?: number;
  hits?: number;
  fast?: number; // first tokens within 0.1 s
  slow?: number; // between 0.1 and 1 s
}

function reading({ generation = 0, queries = 0, hits = 0, fast = 0, slow = 0 }: Values) {
  return parsePrometheus(`
vllm:num_requests_running{engine="0"} 2
vllm:num_requests_running{engine="1"} 3
vllm:kv_cache_usage_perc{engine="0"} 0.2
vllm:kv_cache_usage_perc{engine="1"} 0.4
vllm:generation_tokens_total ${generation}
vllm:prefix_cache_queries_total ${queries}
vllm:prefix_cache_hits_total ${hits}
vllm:request_success_total{finished_reason="stop"} 7
vllm:request_success_total{finished_reason="length"} 9
vllm:request_success_total{finished_reason="abort"} 0
vllm:time_to_first_token_seconds_bucket{le="0.1"} ${fast}
vllm:time_to_first_token_seconds_bucket{le="1.0"} ${fast + slow}
vllm:time_to_first_token_seconds_bucket{le="+Inf"} ${fast + slow}
`);
}

test('gauges are of now: requests summed, the cache averaged over the engines', () => {
  const history = new MetricsHistory();
  history.add(100, reading({}));
  const point = history.points.at(-1)!;
  assert.equal(point.running, 5);
  assert.ok(Math.abs(point.kvUsage! - 0.3) < 1e-12);
  assert.equal(point.waiting, null); // the server does not tell it
});

test('a rate needs two readings and is over the last three seconds', () => {
  const history = new MetricsHistory();
  for (let t = 0; t < 10; ++t) history.add(t, reading({ generation: t < 5 ? 0 : (t - 4) * 60 }));
  const rates = history.points.map(({ generationTokens }) => generationTokens);
  assert.deepEqual(rates, [null, 0, 0, 0, 0, 20, 40, 60, 60, 60]);
});

test('hit rate and percentiles are of the last fifteen seconds', () => {
  const history = new MetricsHistory();
  history.add(0, reading({ queries: 100, hits: 100, fast: 1000 }));
  assert.equal(history.points.at(-1)!.ttft.p50, null); // what was before is not known
  history.add(5, reading({ queries: 300, hits: 150, fast: 1000, slow: 10 }));
  const { hitRate, ttft } = history.points.at(-1)!;
  assert.equal(hitRate, 0.25);
  assert.equal(ttft.p50, 0.55); // half of 0.1 … 1
  history.add(25, reading({ queries: 300, hits: 150, fast: 1000, slow: 10 }));
  assert.equal(history.points.at(-1)!.hitRate, null);
  assert.equal(history.points.at(-1)!.ttft.p99, null);
});

test('a server that was started again has no rate from its former life', () => {
  const history = new MetricsHistory();
  history.add(0, reading({ generation: 5000 }));
  history.add(1, reading({ generation: 6000 }));
  history.add(2, reading({ generation: 10 }));
  assert.equal(history.points.at(-1)!.generationTokens, null);
  history.add(3, reading({ generation: 30 }));
  assert.equal(history.points.at(-1)!.generationTokens, 20);
});

test('the past is forgotten', () => {
  const history = new MetricsHistory();
  for (let t = 0; t < 1000; ++t) history.add(t, reading({ generation: t }));
  assert.equal(history.points.length, HISTORY_SECONDS + 1);
  assert.equal(history.points[0]!.time, 999 - HISTORY_SECONDS);
});

test('totals are since the start, and finished requests by their reason', () => {
  const history = new MetricsHistory();
  assert.equal(history.totals(), null);
  history.add(0, reading({ generation: 12, queries: 4, hits: 3 }));
  const totals = history.totals()!;
  assert.equal(totals.generationTokens, 12);
  assert.equal(totals.hitRate, 0.75);
  assert.equal(totals.finished, 16);
  assert.equal(totals.promptTokens, null);
  assert.deepEqual(totals.finishedByReason, [
    ['length', 9],
    ['stop', 7],
  ]);
});
