#pragma once

#include <memory>

#include "config/cache_config.h"
#include "config/kv_cache_spec.h"
#include "config/scheduler_config.h"
#include "core/scheduler_interface.h"

namespace quire {

// The scheduler of the generation before V1, for comparison. One KV cache group.
std::unique_ptr<SchedulerInterface> make_v0_scheduler(
    const SchedulerConfig& config,
    const CacheConfig& cache_config,
    const KVCacheConfig& kv_cache_config
);

}  // namespace quire
