import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  difference,
  histogram,
  mean,
  parsePrometheus,
  quantileOf,
  sum,
} from '../src/metrics/prometheus';

test('samples are read with and without labels', () => {
  const samples = parsePrometheus(
    '# HELP a b\n# TYPE a gauge\na 3\nvllm:b_total{x="1",y="z"} 2.5\n',
  );
  assert.deepEqual(samples.get('a'), [{ labels: {}, value: 3 }]);
  assert.deepEqual(samples.get('vllm:b_total'), [{ labels: { x: '1', y: 'z' }, value: 2.5 }]);
});

test('labels may hold everything that the format escapes', () => {
  const [sample] = parsePrometheus('a{x="\\"}, {\\\\",y="l\\n2",} 1').get('a')!;
  assert.deepEqual(sample!.labels, { x: '"}, {\\', y: 'l\n2' });
});

test('values may be infinite, not a number, or have a time behind them', () => {
  const samples = parsePrometheus('a +Inf\nb NaN\nc 1e-3 1700000000000\nd -Inf\n');
  assert.equal(sum(samples, 'a'), Infinity);
  assert.ok(Number.isNaN(sum(samples, 'b')));
  assert.equal(sum(samples, 'c'), 0.001);
  assert.equal(sum(samples, 'd'), -Infinity);
});

test('lines that are no sample are passed over', () => {
  const samples = parsePrometheus('a\n{x="1"} 2\nb{x=1} 2\nc{x="1} 2\n\n<html>\nd 4\r\n');
  assert.deepEqual([...samples.keys()], ['d']);
});

test('a metric is summed, or averaged, over its labels; one that is missing is unknown', () => {
  const samples = parsePrometheus('a{engine="0"} 1\na{engine="1"} 2\n');
  assert.equal(sum(samples, 'a'), 3);
  assert.equal(mean(samples, 'a'), 1.5);
  assert.equal(sum(samples, 'b'), null);
  assert.equal(mean(samples, 'b'), null);
});

const HISTOGRAM = `
t_bucket{engine="0",le="10.0"} 7
t_bucket{engine="0",le="1.0"} 4
t_bucket{engine="0",le="+Inf"} 8
t_bucket{engine="1",le="1.0"} 1
t_bucket{engine="1",le="10.0"} 1
t_bucket{engine="1",le="+Inf"} 2
t_sum 30
t_count 10
`;

test('buckets come in order and are summed over the other labels', () => {
  assert.deepEqual(histogram(parsePrometheus(HISTOGRAM), 't'), [
    { upperBound: 1, count: 5 },
    { upperBound: 10, count: 8 },
    { upperBound: Infinity, count: 10 },
  ]);
});

test('a quantile lies evenly within its bucket', () => {
  const buckets = histogram(parsePrometheus(HISTOGRAM), 't');
  assert.equal(quantileOf(buckets, 0.25), 0.5); // the 2.5th of 5 between 0 and 1
  assert.equal(quantileOf(buckets, 0.5), 1);
  assert.equal(quantileOf(buckets, 0.65), 5.5); // half of the 3 between 1 and 10
});

test('beyond the last bound a quantile is that bound', () => {
  const buckets = histogram(parsePrometheus(HISTOGRAM), 't');
  assert.equal(quantileOf(buckets, 0.99), 10);
});

test('without observations there is no quantile', () => {
  const buckets = histogram(parsePrometheus(HISTOGRAM), 't');
  assert.equal(quantileOf(difference(buckets, buckets), 0.5), null);
  assert.equal(quantileOf([], 0.5), null);
  assert.equal(quantileOf([{ upperBound: Infinity, count: 3 }], 0.5), null);
});

test('the difference of two readings holds what was observed between them', () => {
  const before = [{ upperBound: 1, count: 2 }];
  const now = [
    { upperBound: 1, count: 5 },
    { upperBound: 10, count: 6 },
  ];
  assert.deepEqual(difference(now, before), [
    { upperBound: 1, count: 3 },
    { upperBound: 10, count: 6 },
  ]);
});
