#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "config/model_config.h"
#include "worker/step_inputs.h"

namespace quire {

// Runs steps without a model: slots, block tables and batch are ModelRunner's, while forward pass
// and sampling are replaced by a function of prompt and position. What is left is the cost of the
// engine itself. No weights, no KV memory, no logits: sampling parameters do not change the tokens,
// except that allowed_token_ids are kept to. Called by one thread.
class NullRunner {
 public:
  NullRunner(
      const StepLimits& limits, const ModelConfig& model, const KVCacheConfig& kv_cache_config
  );

  // Applies the diff and gathers the batch of the scheduled tokens.
  void execute(const SchedulerOutput& output);
  // The result is valid until the next call.
  ModelRunnerOutput& sample();

  int num_live_requests() const { return inputs_.states().num_live(); }

 private:
  void add_request(int slot, const NewRequestData& data);
  int32_t token_id(int slot, int position) const;

  StepInputs inputs_;
  std::vector<int32_t> plain_token_ids_;  // the vocabulary without end-of-text
  std::vector<uint64_t> prompt_hashes_;  // [max_num_seqs], by slot
  // By slot, of the requests that limit their tokens.
  std::unordered_map<int, std::vector<int32_t>> allowed_token_ids_;
  std::vector<int32_t> sampled_;
  ModelRunnerOutput result_;
};

// What the attention layers of the model keep per token, from its configuration alone.
std::vector<KVCacheSpec> kv_cache_specs_of(const ModelConfig& model, DType dtype);

}  // namespace quire
