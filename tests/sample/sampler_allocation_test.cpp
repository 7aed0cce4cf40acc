#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "sample/sampler_fixture.h"
#include "support/allocation_counter.h"

namespace quire {
namespace {

constexpr int kNumRequests = 64;
constexpr int kVocabSize = 512;
constexpr int kNumSteps = 200;

SamplingParams params_of(int i) {
  SamplingParams params{.max_tokens = kNumSteps + 10, .min_tokens = 50};
  params.temperature = i % 4 == 0 ? 0.0 : 1.0;
  if (i % 4 == 2) params.top_k = 20;
  if (i % 3 == 0) params.top_p = 0.9;
  if (i % 5 == 0) params.frequency_penalty = 0.1;
  if (i % 7 == 0) params.repetition_penalty = 1.1;
  params.stop_token_ids = {3};
  params.logit_bias = {{5, 1.0f}};
  params.bad_words_token_ids = {{1, 2}, {7}};
  if (i % 8 == 0) params.allowed_token_ids = std::vector<int32_t>{1, 2, 3, 4, 5};
  return params;
}

TEST(SamplerAllocations, DoNotHappenInASteadyStep) {
  ThreadPool pool(2);
  Arena arena(Sampler::workspace_bytes(2, kVocabSize));
  Sampler sampler(kNumRequests, kVocabSize, LogprobsMode::kRawLogprobs, 0);
  std::vector<std::vector<int32_t>> histories(kNumRequests, {1, 2, 3});
  for (int i = 0; i < kNumRequests; ++i) {
    sampler.add_request(i, i, params_of(i));
    histories[i].reserve(kNumSteps + 10);
  }
  const auto logits = test::random_logits(kNumRequests * kVocabSize, 4);
  std::vector<float> buffer(logits.size());
  std::vector<SamplingRow> rows(kNumRequests);
  SamplerOutput output;
  const auto step = [&] {
    std::ranges::copy(logits, buffer.begin());
    for (int i = 0; i < kNumRequests; ++i)
      rows[i] = {i, histories[i], 3};
    const Tensor tensor(buffer.data(), DType::kFloat32, {kNumRequests, kVocabSize});
    sampler.sample(Stream::cpu(pool), tensor, rows, arena, output);
    for (int i = 0; i < kNumRequests; ++i)
      histories[i].push_back(output.token_ids[i]);
  };
  step();  // the first one sizes the penalties' tables
  const int64_t before = test::num_allocations();
  for (int i = 0; i < kNumSteps; ++i)
    step();
  EXPECT_EQ(test::num_allocations() - before, 0);
  EXPECT_GT(before, 0) << "nothing was counted";
}

}  // namespace
}  // namespace quire
