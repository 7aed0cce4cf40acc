#pragma once

#include <memory>
#include <vector>

#include "batch/block_tables.h"
#include "batch/input_batch.h"
#include "core/scheduler_output.h"
#include "models/causal_lm.h"
#include "sample/sampler.h"
#include "worker/kv_cache.h"
#include "worker/request_states.h"

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

// Runs steps: keeps what it knows of every request in its slot, turns a SchedulerOutput into a flat
// batch, runs the model and samples. Called by one thread.
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

  int num_live_requests() const { return states_.num_live(); }

 private:
  void update_states(const SchedulerOutput& output);
  void release(uint64_t request_id);
  void collect_entries(const SchedulerOutput& output);
  void run_forward();
  void collect_sampling_rows();
  void sample_rows();
  void collect_prompt_logprobs();
  void add_prompt_logprobs(int req_idx, int num_logprobs);
  Tensor sampling_logits();

  ModelRunnerConfig config_;
  const CausalLM& model_;
  Stream stream_;
  KVCache kv_cache_;
  Arena arena_;
  RequestStates states_;
  BlockTables block_tables_;
  InputBatch batch_;
  Sampler sampler_;

  // Of the running step, in batch order.
  std::vector<BatchEntry> entries_;
  Tensor hidden_states_;  // [num_tokens, hidden_size]
  std::vector<int> sampling_reqs_;  // indexes of requests that sample
  std::vector<int32_t> logits_indices_;  // [num sampling] rows of hidden_states_
  std::vector<SamplingRow> sampling_rows_;
  SamplerOutput sampled_;
  ModelRunnerOutput result_;
};

}  // namespace quire
