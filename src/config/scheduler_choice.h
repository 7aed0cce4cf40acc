#pragma once

#include <string>
#include <vector>

#include "config/cache_config.h"
#include "config/device_info.h"
#include "config/scheduler_config.h"
#include "quire/engine_config.h"

namespace quire {

// Which scheduler runs: the one that config.scheduler names, else V1, except that options which V1
// lacks choose V0 with a warning. Throws InvalidArgument for options that the named one lacks.
SchedulerKind choose_scheduler(const EngineConfig& config, std::vector<std::string>& warnings);

// Fills in what V0 alone has, and checks it against the rest, which must be resolved.
void resolve_v0_options(const EngineConfig& config, const CacheConfig& cache, SchedulerConfig& out);

// V0's swap space: 4 GiB unless said otherwise, none if nothing is ever swapped. Throws
// InvalidArgument for more than 70 % of the memory.
int64_t resolve_swap_space(const EngineConfig& config, const DeviceInfo& device);

}  // namespace quire
