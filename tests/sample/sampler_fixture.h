#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "sample/sampler.h"

namespace quire::test {

// Normally distributed logits.
inline std::vector<float> random_logits(int vocab_size, uint32_t seed, float scale = 2.0f) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> logits(vocab_size);
  for (float& logit : logits)
    logit = normal(generator);
  return logits;
}

// Logprobs of one prompt token alone.
inline TokenLogprobs gather_logprobs(
    std::vector<float> logits, int32_t token_id, int num_logprobs, LogprobsMode mode
) {
  ThreadPool pool(1);
  const auto vocab_size = static_cast<int>(logits.size());
  Arena arena(prompt_logprobs_workspace_bytes(1, vocab_size));
  const Tensor row(logits.data(), DType::kFloat32, {1, vocab_size});
  std::vector<TokenLogprobs> out;
  gather_prompt_logprobs(Stream::cpu(pool), row, {&token_id, 1}, num_logprobs, mode, arena, out);
  return out.at(0);
}

// One request's share of a step.
struct TestRow {
  int slot = 0;
  std::vector<float> logits;
  std::vector<int32_t> prompt = {1};
  std::vector<int32_t> output = {};
};

// A sampler with what a runner provides: threads, workspace, logits in one piece.
class TestSampler {
 public:
  explicit TestSampler(
      int vocab_size,
      LogprobsMode mode = LogprobsMode::kRawLogprobs,
      int num_threads = 2,
      uint64_t engine_seed = 0
  )
      : vocab_size_(vocab_size),
        pool_(num_threads),
        arena_(Sampler::workspace_bytes(num_threads, vocab_size)),
        sampler_(kNumSlots, vocab_size, mode, engine_seed) {}

  // validate() is the caller's business, as in the engine.
  void add(int slot, const SamplingParams& params, uint64_t request_id = 1) {
    sampler_.add_request(slot, request_id, params);
  }
  void remove(int slot) { sampler_.remove_request(slot); }

  const SamplerOutput& step(std::span<const TestRow> rows) {
    logits_.clear();
    std::vector<std::vector<int32_t>> histories;
    std::vector<SamplingRow> sampling_rows;
    for (const TestRow& row : rows) {
      logits_.insert(logits_.end(), row.logits.begin(), row.logits.end());
      auto& history = histories.emplace_back(row.prompt);
      history.insert(history.end(), row.output.begin(), row.output.end());
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      sampling_rows.push_back({rows[i].slot, histories[i], static_cast<int>(rows[i].prompt.size())}
      );
    }
    const Tensor tensor(
        logits_.data(), DType::kFloat32, {static_cast<int64_t>(rows.size()), vocab_size_}
    );
    sampler_.sample(Stream::cpu(pool_), tensor, sampling_rows, arena_, output_);
    EXPECT_EQ(arena_.used_bytes(), 0) << "the sampler keeps workspace";
    return output_;
  }

  // One row alone.
  int32_t token(const TestRow& row) { return step({&row, 1}).token_ids.at(0); }

  // Candidates of one row alone, which must have asked for them.
  TokenLogprobs logprobs(const TestRow& row) {
    step({&row, 1});
    EXPECT_EQ(output_.logprob_rows, std::vector<int>{0});
    return output_.logprobs.at(0);
  }

  // A new request in slot 0 samples one token after `row`'s history.
  int32_t first_token(const SamplingParams& params, TestRow row, uint64_t request_id = 1) {
    add(0, params, request_id);
    row.slot = 0;
    const int32_t id = token(row);
    remove(0);
    return id;
  }

  static constexpr int kNumSlots = 80;

 private:
  int vocab_size_;
  ThreadPool pool_;
  Arena arena_;
  Sampler sampler_;
  std::vector<float> logits_;
  SamplerOutput output_;
};

}  // namespace quire::test
