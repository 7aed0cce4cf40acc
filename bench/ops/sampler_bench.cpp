// The sampler on a batch of made-up logits: `quire_sampler_bench [google benchmark options]`.
// Arguments: rows, vocabulary. Threads: the CPUs that the process may use.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "sample/sampler.h"

namespace quire::bench {
namespace {

// Standard deviation 3: about as flat as a language model's logits get.
std::vector<float> make_logits(size_t size) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> logits(size);
  std::ranges::generate(logits, [&] { return normal(generator); });
  return logits;
}

// A decode step of requests with 400 tokens each. Copying fresh logits into place is not timed.
void sample_step(benchmark::State& state, const SamplingParams& params) {
  const auto num_rows = static_cast<int>(state.range(0));
  const auto vocab_size = static_cast<int>(state.range(1));
  ThreadPool pool(available_cpus());
  Arena arena(Sampler::workspace_bytes(pool.num_threads(), vocab_size));
  Sampler sampler(num_rows, vocab_size, LogprobsMode::kRawLogprobs, 0);
  std::vector<int32_t> token_ids(400);
  for (size_t i = 0; i < token_ids.size(); ++i)
    token_ids[i] = static_cast<int32_t>(i * 7 % 1000);
  std::vector<SamplingRow> rows;
  for (int slot = 0; slot < num_rows; ++slot) {
    sampler.add_request(slot, slot, params);
    rows.push_back({slot, token_ids, 100});
  }
  const auto logits = make_logits(static_cast<size_t>(num_rows) * vocab_size);
  auto buffer = logits;
  const Tensor tensor(buffer.data(), DType::kFloat32, {num_rows, vocab_size});
  SamplerOutput output;
  for (auto _ : state) {
    state.PauseTiming();
    std::ranges::copy(logits, buffer.begin());
    state.ResumeTiming();
    sampler.sample(Stream::cpu(pool), tensor, rows, arena, output);
    benchmark::DoNotOptimize(output.token_ids.data());
  }
  state.SetItemsProcessed(state.iterations() * num_rows);  // tokens
}

struct Case {
  const char* name;
  SamplingParams params;
};

void register_all() {
  const Case cases[] = {
      {"greedy", {.temperature = 0.0}},
      {"plain", {}},
      {"top_k", {.top_k = 50}},
      {"top_p", {.top_p = 0.95}},
      {"top_k_top_p", {.top_p = 0.95, .top_k = 50}},
      {"penalties", {.presence_penalty = 0.5, .frequency_penalty = 0.5, .temperature = 0.0}},
      {"logprobs_5", {.temperature = 0.0, .logprobs = 5}},
  };
  for (const Case& c : cases) {
    const auto run = [params = c.params](benchmark::State& state) { sample_step(state, params); };
    auto* entry = benchmark::RegisterBenchmark(("sample/" + std::string(c.name)).c_str(), run);
    entry->Args({1, 4096})->Args({64, 4096})->Args({1, 128256})->UseRealTime();
  }
}

}  // namespace
}  // namespace quire::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  quire::bench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
