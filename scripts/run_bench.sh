#!/bin/sh
# Builds and runs every benchmark of bench/ with the bundled model; results as JSON and text go to
# build/bench. docs/performance.md says what each measures.
set -eu
build=$1
model=models/small-chat
results=build/bench
mkdir -p "$results"

cmake --preset release -DQUIRE_BUILD_BENCH=ON >/dev/null
cmake --build "$build"

for program in "$build"/quire_*_bench; do
  name=$(basename "$program")
  echo "=== $name"
  "$program" | tee "$results/$name.txt"
done

echo "=== quire bench latency: one request"
"$build/quire" bench latency --model "$model" --input-len 64 --output-len 64 --batch-size 1 \
  --output-json "$results/latency-1.json"
for num_prompts in 64 512; do
  echo "=== quire bench throughput: $num_prompts requests"
  "$build/quire" bench throughput --model "$model" --input-len 64 --output-len 64 \
    --num-prompts "$num_prompts" --output-json "$results/throughput-$num_prompts.json"
done

echo "=== quire bench engine-overhead"
"$build/quire" bench engine-overhead --model "$model" --output-json "$results/engine_overhead.json"

echo "=== quire bench compare-engines"
"$build/quire" bench compare-engines --model "$model" --workload all \
  --report "$results/v0-vs-v1.md" --output-json "$results/v0_vs_v1.json"
