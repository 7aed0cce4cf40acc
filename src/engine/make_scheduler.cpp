#include "engine/make_scheduler.h"

#include <algorithm>
#include <random>

#include "base/env.h"
#include "core/block_hash.h"
#include "core/scheduler.h"
#include "v0/make_v0.h"

namespace quire {
namespace {

// Random unless the user fixed it: then processes share hashes.
std::array<uint8_t, 32> draw_none_hash(PrefixCachingHashAlgo algo) {
  if (const auto seed = env::hash_seed()) return none_hash_from_seed(algo, *seed);
  std::array<uint8_t, 32> root;
  std::random_device device;
  std::generate(root.begin(), root.end(), [&] { return static_cast<uint8_t>(device()); });
  return root;
}

}  // namespace

std::unique_ptr<SchedulerInterface> make_scheduler(
    const ResolvedConfig& config, const KVCacheConfig& kv_cache_config
) {
  CacheConfig cache = config.cache;
  cache.none_hash = draw_none_hash(cache.prefix_caching_hash_algo);
  if (config.scheduler.kind == SchedulerKind::kV0) {
    return make_v0_scheduler(config.scheduler, cache, kv_cache_config);
  }
  return std::make_unique<Scheduler>(config.scheduler, cache, kv_cache_config);
}

}  // namespace quire
