#pragma once

#include <memory>

#include "config/resolve.h"
#include "core/scheduler_interface.h"

namespace quire {

// The scheduler that the configuration asks for. Draws the root of the block hashes.
std::unique_ptr<SchedulerInterface> make_scheduler(
    const ResolvedConfig& config, const KVCacheConfig& kv_cache_config
);

}  // namespace quire
