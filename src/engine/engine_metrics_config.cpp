#include <fmt/format.h>

#include "engine/load_engine.h"

namespace quire {
namespace {

// As Python prints it, because vLLM does.
template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "None";
}

std::string text_of(bool value) {
  return value ? "True" : "False";
}

MetricLabels cache_config_labels(const LoadedEngine& loaded) {
  const EngineConfig& config = loaded.config;
  const CacheConfig& cache = loaded.cache;
  const bool has_window =
      !loaded.kv_cache.groups.empty() && loaded.kv_cache.groups.front().spec.sliding_window;
  return {
      {"block_size", std::to_string(cache.block_size)},
      {"cache_dtype", config.kv_cache_dtype},
      {"enable_prefix_caching", text_of(cache.enable_prefix_caching)},
      {"gpu_memory_utilization", text_of(config.gpu_memory_utilization)},
      {"kv_cache_memory_bytes", text_of(config.kv_cache_memory_bytes)},
      {"num_cpu_blocks", std::to_string(loaded.kv_cache.num_host_blocks)},
      {"num_gpu_blocks", std::to_string(loaded.kv_cache.num_blocks)},
      {"num_gpu_blocks_override", text_of(config.num_gpu_blocks_override)},
      {"prefix_caching_hash_algo", config.prefix_caching_hash_algo},
      {"sliding_window",
       has_window ? std::to_string(*loaded.kv_cache.groups.front().spec.sliding_window) : "None"},
  };
}

}  // namespace

EngineMetricsConfig engine_metrics_config(const LoadedEngine& loaded) {
  return {
      .model_name = loaded.config.served_model_name.value_or(loaded.config.model),
      .max_model_len = loaded.max_model_len,
      .uses_v0 = loaded.core->stats().uses_v0,
      .has_kv_block_lives = loaded.cache.kv_cache_metrics_sample.has_value(),
      .cache_config = cache_config_labels(loaded),
  };
}

}  // namespace quire
