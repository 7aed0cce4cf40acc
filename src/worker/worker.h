#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "base/thread_pool.h"
#include "config/cache_config.h"
#include "config/kv_cache_spec.h"
#include "models/causal_lm.h"
#include "sample/sampler.h"
#include "worker/memory_populator.h"
#include "worker/model_runner.h"
#include "worker/null_runner.h"

namespace quire {

struct WorkerConfig {
  int num_threads = 1;
  DType dtype = DType::kBFloat16;
  int max_model_len = 0;
  int max_num_seqs = 0;
  int max_num_batched_tokens = 0;
  LogprobsMode logprobs_mode = LogprobsMode::kRawLogprobs;
  uint64_t seed = 0;
  KVCachePopulation kv_cache_population = KVCachePopulation::kLazy;
};

// One device's share of the model: owns threads, weights, KV cache and runner. First the model is
// loaded (or done without), then its cache is sized from what it needs, then it can run.
class Worker {
 public:
  explicit Worker(const WorkerConfig& config);
  ~Worker();

  void load_model(const ModelConfig& model, WeightSource source);
  // No weights and no KV memory: see NullRunner.
  void load_null_model(const ModelConfig& model);
  std::vector<KVCacheSpec> kv_cache_specs() const;
  int64_t workspace_bytes() const;  // activations and logits of the largest step; 0 without model
  void initialize_kv_cache(const KVCacheConfig& config);

  // See Executor.
  void execute(const SchedulerOutput& output);
  ModelRunnerOutput& sample();
  void sleep();
  void wake_up();

 private:
  ModelRunnerConfig runner_config() const;
  void populate_kv_cache(const ModelRunner& runner);

  WorkerConfig config_;
  ThreadPool pool_;
  Stream stream_;
  std::unique_ptr<WeightSource> source_;  // the mapped files that the model looks into
  ModelConfig model_config_;
  std::unique_ptr<CausalLM> model_;  // nullptr: the null runner needs none
  std::variant<std::unique_ptr<ModelRunner>, std::unique_ptr<NullRunner>> runner_;
  std::optional<MemoryPopulator> populator_;  // the last member: it works on the runner's memory
};

}  // namespace quire
