#pragma once

#include <memory>
#include <vector>

#include "core/scheduler_output.h"
#include "models/causal_lm.h"
#include "sample/sampler.h"
#include "worker/kv_cache.h"
#include "worker/step_inputs.h"

namespace quire {

struct ModelRunnerConfig {
  int max_num_seqs = 0;
  int max_num_batched_tokens = 0;
  int max_model_len = 0;
  int vocab_size = 0;
  int num_threads = 1;  // of the stream's pool
  LogprobsMode logprobs_mode = LogprobsMode::kRawLogprobs;
  uint64_t seed = 0;
};

// Rows of prompt logits computed at once: bounds the workspace that prompt_logprobs needs.
inline constexpr int kPromptLogitRows = 64;

// Runs steps: makes a flat batch of a SchedulerOutput, runs the model and samples. Called by one
// thread.
class ModelRunner {
 public:
  ModelRunner(
      const ModelRunnerConfig& config,
      const CausalLM& model,
      const KVCacheConfig& kv_cache_config,
      const Stream& stream
  );

  static size_t workspace_bytes(const ModelRunnerConfig& config, const CausalLM& model);

  // Applies the diff and runs the forward pass of the scheduled tokens.
  void execute(const SchedulerOutput& output);
  // Samples for the requests whose last token was in the step. The result is valid until the next
  // call.
  ModelRunnerOutput& sample();

  int num_live_requests() const { return inputs_.states().num_live(); }

  std::vector<std::span<std::byte>> kv_cache_memory() const { return kv_cache_.memory(); }

 private:
  void update_sampler(const SchedulerOutput& output);
  void run_forward();
  void sample_rows();
  void collect_prompt_logprobs();
  void add_prompt_logprobs(int req_idx, int num_logprobs);
  Tensor sampling_logits();
  Tensor compute_logits(const Tensor& rows, const ForwardContext& ctx) const;

  ModelRunnerConfig config_;
  const CausalLM& model_;
  Stream stream_;
  KVCache kv_cache_;
  Arena arena_;
  StepInputs inputs_;
  Sampler sampler_;

  // Of the running step.
  Tensor hidden_states_;  // [num_tokens, hidden_size]
  std::vector<SamplingRow> sampling_rows_;
  SamplerOutput sampled_;
  ModelRunnerOutput result_;
};

}  // namespace quire
