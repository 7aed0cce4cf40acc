#pragma once

#include <memory>

#include "base/thread_pool.h"
#include "config/kv_cache_spec.h"
#include "models/causal_lm.h"
#include "sample/sampler.h"
#include "worker/model_runner.h"

namespace quire {

struct WorkerConfig {
  int num_threads = 1;
  DType dtype = DType::kBFloat16;
  int max_model_len = 0;
  int max_num_seqs = 0;
  int max_num_batched_tokens = 0;
  LogprobsMode logprobs_mode = LogprobsMode::kRawLogprobs;
  uint64_t seed = 0;
};

// One device's share of the model: owns threads, weights, KV cache and runner. First the model is
// loaded, then its cache is sized from what it needs, then it can run.
class Worker {
 public:
  explicit Worker(const WorkerConfig& config);
  ~Worker();

  void load_model(const ModelConfig& model, WeightSource source);
  std::vector<KVCacheSpec> kv_cache_specs() const;
  int64_t workspace_bytes() const;  // activations and logits of the largest step
  void initialize_kv_cache(const KVCacheConfig& config);

  ModelRunner& runner() { return *runner_; }

 private:
  ModelRunnerConfig runner_config() const;

  WorkerConfig config_;
  ThreadPool pool_;
  Stream stream_;
  std::unique_ptr<WeightSource> source_;  // the mapped files that the model looks into
  int vocab_size_ = 0;
  std::unique_ptr<CausalLM> model_;
  std::unique_ptr<ModelRunner> runner_;
};

}  // namespace quire
