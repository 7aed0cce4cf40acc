#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/cache_config.h"
#include "config/device_info.h"
#include "config/kv_cache_spec.h"
#include "config/model_config.h"
#include "config/scheduler_config.h"
#include "quire/engine_config.h"

namespace quire {

// How much memory the KV cache may take: the first that is set wins.
struct KVCacheBudget {
  std::optional<int> num_blocks;  // num_gpu_blocks_override
  std::optional<int64_t> num_bytes;  // kv_cache_memory_bytes, VLLM_CPU_KVCACHE_SPACE
  int64_t total_bytes = 0;  // memory of the process: no wish may exceed it
  int64_t share_bytes = 0;  // gpu_memory_utilization of the memory
};

// The final numbers. Made once by resolve(), never changed; parts of the engine get their slice.
struct ResolvedConfig {
  ModelConfig model;
  DType dtype = DType::kBFloat16;
  SchedulerConfig scheduler;
  CacheConfig cache;
  KVCacheBudget kv_cache_budget;
  bool fits_max_model_len = false;  // max_model_len is the model's until fit_max_model_len() ran
  int num_threads = 1;
  uint64_t seed = 0;
  int64_t swap_space_bytes = 0;  // of V0
  std::vector<std::string> notes;  // what the user should know; for the log
  std::vector<std::string> warnings;  // likewise, where the user should change something
};

// Joins wishes, model and machine. Pure: no file, clock or environment is read. Throws
// InvalidArgument with the option's name, the numbers and the fix.
ResolvedConfig resolve(
    const EngineConfig& config,
    const ModelConfig& model,
    const DeviceInfo& device,
    UsageContext usage,
    bool allow_long_max_model_len
);

// Throws what resolve() says to these wishes whatever the model and the machine, but for the choice
// of the scheduler.
void check_values(const EngineConfig& config, UsageContext usage);

// Groups the layers and sizes the pool: min(budget, max_num_seqs requests of max_model_len).
// Layers that see all tokens and layers with a window come into groups of their own, as large as
// the smaller kind, so that layer i of each group shares one piece of memory. `used_bytes` is what
// weights and workspace take of the share. Throws InvalidArgument when not even one request of
// max_model_len fits, with the length that would.
KVCacheConfig size_kv_cache(
    const ResolvedConfig& config, std::span<const KVCacheSpec> layer_specs, int64_t used_bytes
);

// With max_model_len=-1 the longest request that the cache holds, at most the model's length; else
// `config` as it is. Throws InvalidArgument when not even two tokens fit.
ResolvedConfig fit_max_model_len(ResolvedConfig config, const KVCacheConfig& cache);

int64_t kv_cache_num_bytes(const KVCacheConfig& config);

// Requests of max_model_len tokens that the cache holds at once.
double max_concurrency(const KVCacheConfig& config, const SchedulerConfig& scheduler);

// Blocks that a request of num_tokens tokens holds at most, of all groups together.
int64_t num_blocks_of_request(
    const KVCacheConfig& config, const SchedulerConfig& scheduler, int num_tokens
);

}  // namespace quire
