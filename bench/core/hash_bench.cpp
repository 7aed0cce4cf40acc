// Hashing prompts into blocks: tokens per second of one core.

#include <random>

#include <benchmark/benchmark.h>

#include "core/block_hash.h"
#include "core/request.h"

namespace quire {
namespace {

constexpr int kNumTokens = 16384;

// vocab_size decides how many bytes a token takes.
void hash_prompt(benchmark::State& state, PrefixCachingHashAlgo algo) {
  const CacheConfig config{
      .block_size = static_cast<int>(state.range(0)), .prefix_caching_hash_algo = algo};
  BlockHasher hasher(config);
  std::mt19937 random(1);
  std::uniform_int_distribution<int32_t> token(0, static_cast<int32_t>(state.range(1)) - 1);
  Request request;
  for (int i = 0; i < kNumTokens; ++i)
    request.token_ids.push_back(token(random));
  request.block_hashes.reserve(kNumTokens / config.block_size);
  for (auto _ : state) {
    request.block_hashes.clear();
    hasher.update_block_hashes(request);
    benchmark::DoNotOptimize(request.block_hashes.data());
  }
  state.counters["tokens/s"] = benchmark::Counter(
      static_cast<double>(kNumTokens) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate
  );
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"block", "vocab"});
  for (const int block_size : {16, 128, 512}) {
    for (const int vocab_size : {2048, 32000, 128256})
      benchmark->Args({block_size, vocab_size});
  }
}

BENCHMARK_CAPTURE(hash_prompt, xxhash, PrefixCachingHashAlgo::kXxhash)->Apply(sizes);
BENCHMARK_CAPTURE(hash_prompt, sha256, PrefixCachingHashAlgo::kSha256)->Apply(sizes);

}  // namespace
}  // namespace quire

BENCHMARK_MAIN();
