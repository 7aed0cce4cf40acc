#include "v0/make_v0.h"

#include "v0/scheduler.h"

namespace quire {

std::unique_ptr<SchedulerInterface> make_v0_scheduler(
    const SchedulerConfig& config,
    const CacheConfig& cache_config,
    const KVCacheConfig& kv_cache_config
) {
  return std::make_unique<v0::Scheduler>(config, cache_config, kv_cache_config);
}

}  // namespace quire
