// How a model's layers share the KV cache, and how many blocks it has.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "base/math.h"
#include "config/resolve.h"

namespace quire {
namespace {

using LayerIndices = std::vector<int>;

// Layers of one kind: the same spec.
struct LayerKind {
  KVCacheSpec spec;
  LayerIndices layers;
};

// Those without a window first: what they have cached bounds every hit.
std::vector<LayerKind> kinds_of(std::span<const KVCacheSpec> layer_specs) {
  std::vector<LayerKind> kinds;
  for (size_t i = 0; i < layer_specs.size(); ++i) {
    auto kind = std::ranges::find(kinds, layer_specs[i], &LayerKind::spec);
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), {layer_specs[i], {}});
    kind->layers.push_back(static_cast<int>(i));
  }
  std::stable_partition(kinds.begin(), kinds.end(), [](const LayerKind& kind) {
    return !kind.spec.sliding_window;
  });
  return kinds;
}

// A block of every group has the same bytes, because it is the same memory: layers that keep less
// per token have blocks of more tokens.
void unify_block_bytes(std::vector<LayerKind>& kinds) {
  const auto bytes_of = [](const LayerKind& kind) { return kind.spec.block_bytes(); };
  const int64_t most = bytes_of(*std::ranges::max_element(kinds, {}, bytes_of));
  for (LayerKind& kind : kinds) {
    const int64_t bytes = bytes_of(kind);
    QUIRE_CHECK(most % bytes == 0, "blocks of {} and {} bytes share no memory", most, bytes);
    kind.spec.block_size *= static_cast<int>(most / bytes);
  }
}

// Every group has room for as many layers. The smallest kind sets how many, unless the largest is
// hardly larger: then a few unused places cost less than a group of its own.
int layers_per_group(const std::vector<LayerKind>& kinds) {
  const auto size_of = [](const LayerKind& kind) { return static_cast<int>(kind.layers.size()); };
  const auto [fewest, most] = std::ranges::minmax(kinds, {}, size_of);
  const bool is_close = 2 * size_of(most) < 3 * size_of(fewest);
  return is_close ? size_of(most) : size_of(fewest);
}

// Dealt out in turn, so that a part of the model has layers of all groups.
void append_groups(
    const LayerKind& kind, int num_layers_per_group, std::vector<KVCacheGroupSpec>& groups
) {
  const size_t num_groups = ceil_div(kind.layers.size(), static_cast<size_t>(num_layers_per_group));
  for (size_t g = 0; g < num_groups; ++g) {
    KVCacheGroupSpec& group = groups.emplace_back();
    group.spec = kind.spec;
    for (size_t i = g; i < kind.layers.size(); i += num_groups)
      group.layer_indices.push_back(kind.layers[i]);
  }
}

std::vector<KVCacheGroupSpec> group_layers(
    const CacheConfig& config, std::span<const KVCacheSpec> layer_specs
) {
  std::vector<KVCacheSpec> specs(layer_specs.begin(), layer_specs.end());
  for (KVCacheSpec& spec : specs)
    spec.block_size = config.block_size;
  std::vector<LayerKind> kinds = kinds_of(specs);
  const bool is_hybrid = kinds.size() > 1;
  if (config.keeps_all_blocks || (is_hybrid && config.disable_hybrid_kv_cache_manager)) {
    for (KVCacheSpec& spec : specs)
      spec.sliding_window.reset();
    kinds = kinds_of(specs);
  }
  unify_block_bytes(kinds);
  const int num_layers_per_group = layers_per_group(kinds);
  std::vector<KVCacheGroupSpec> groups;
  for (const LayerKind& kind : kinds)
    append_groups(kind, num_layers_per_group, groups);
  return groups;
}

int64_t bytes_per_block(std::span<const KVCacheGroupSpec> groups) {
  size_t num_layers = 0;
  for (const KVCacheGroupSpec& group : groups)
    num_layers = std::max(num_layers, group.layer_indices.size());
  return static_cast<int64_t>(num_layers) * groups.front().spec.block_bytes();
}

// Longest request whose blocks these are.
int max_num_tokens(
    const KVCacheConfig& cache, const SchedulerConfig& scheduler, int64_t num_usable_blocks
) {
  int fits = 0;
  int beyond = scheduler.max_model_len + 1;
  while (beyond - fits > 1) {
    const int middle = fits + (beyond - fits) / 2;
    const bool holds = num_blocks_of_request(cache, scheduler, middle) <= num_usable_blocks;
    (holds ? fits : beyond) = middle;
  }
  return fits;
}

void check_one_request_fits(
    const KVCacheConfig& cache, const SchedulerConfig& scheduler, int64_t num_blocks
) {
  const int64_t needed = num_blocks_of_request(cache, scheduler, scheduler.max_model_len);
  if (num_blocks - 1 >= needed) return;
  const int64_t block_bytes = bytes_per_block(cache.groups);
  throw InvalidArgument(
      "max_model_len",
      fmt::format(
          "To serve at least one request with the model's max seq len ({}), {} KV cache is needed, "
          "which is larger than the available KV cache memory ({}). Based on the available memory, "
          "the estimated maximum model length is {}. Try increasing `gpu_memory_utilization`, "
          "`kv_cache_memory_bytes` or `num_gpu_blocks_override`, or decreasing `max_model_len`.",
          scheduler.max_model_len,
          format_gib((needed + 1) * block_bytes),
          format_gib(num_blocks * block_bytes),
          max_num_tokens(cache, scheduler, num_blocks - 1)
      )
  );
}

void check_memory_holds(const KVCacheBudget& budget, int64_t num_blocks, int64_t block_bytes) {
  if (num_blocks <= budget.total_bytes / block_bytes) return;
  const char* field = budget.num_blocks ? "num_gpu_blocks_override" : "kv_cache_memory_bytes";
  throw InvalidArgument(
      field,
      fmt::format(
          "{} asks for {} KV blocks of {} bytes, more than the {} of memory that this process may "
          "use. Ask for at most {} blocks.",
          field,
          num_blocks,
          block_bytes,
          format_gib(budget.total_bytes),
          budget.total_bytes / block_bytes
      )
  );
}

int64_t wanted_num_blocks(
    const ResolvedConfig& config, const KVCacheConfig& cache, int64_t used_bytes
) {
  const KVCacheBudget& budget = config.kv_cache_budget;
  const int64_t block_bytes = bytes_per_block(cache.groups);
  if (budget.num_blocks) return *budget.num_blocks;
  if (budget.num_bytes) return *budget.num_bytes / block_bytes;
  const int64_t per_request =
      num_blocks_of_request(cache, config.scheduler, config.scheduler.max_model_len);
  return std::min(
      (budget.share_bytes - used_bytes) / block_bytes,
      per_request * config.scheduler.max_num_seqs + 1
  );
}

void check_not_empty(const KVCacheBudget& budget, int64_t num_blocks) {
  if (num_blocks >= 2) return;
  const char* field = budget.num_blocks  ? "num_gpu_blocks_override"
                      : budget.num_bytes ? "kv_cache_memory_bytes"
                                         : "gpu_memory_utilization";
  throw InvalidArgument(
      field,
      fmt::format(
          "No available memory for the cache blocks. Try increasing `{}` when initializing the "
          "engine: it must give 2 blocks or more.",
          field
      )
  );
}

// No more than all running requests can fill.
int num_host_blocks(const ResolvedConfig& config, const KVCacheConfig& cache) {
  const int64_t per_request =
      num_blocks_of_request(cache, config.scheduler, config.scheduler.max_model_len);
  const int64_t num_blocks = config.swap_space_bytes / bytes_per_block(cache.groups);
  const int64_t most = std::numeric_limits<int>::max();
  return static_cast<int>(std::min({num_blocks, per_request * config.scheduler.max_num_seqs, most})
  );
}

}  // namespace

KVCacheConfig size_kv_cache(
    const ResolvedConfig& config, std::span<const KVCacheSpec> layer_specs, int64_t used_bytes
) {
  QUIRE_CHECK(!layer_specs.empty());
  KVCacheConfig out;
  out.groups = group_layers(config.cache, layer_specs);
  const KVCacheBudget& budget = config.kv_cache_budget;
  const int64_t num_blocks = wanted_num_blocks(config, out, used_bytes);
  check_not_empty(budget, num_blocks);
  // A wish for few blocks stands as long as some request fits: longer ones are refused alone.
  if (!budget.num_blocks && !config.fits_max_model_len) {
    check_one_request_fits(out, config.scheduler, num_blocks);
  }
  if (budget.num_blocks || budget.num_bytes) {
    check_memory_holds(budget, num_blocks, bytes_per_block(out.groups));
  }
  // A slot number (block * block_size + offset) is an int32.
  int largest_block = 1;
  for (const KVCacheGroupSpec& group : out.groups)
    largest_block = std::max(largest_block, group.spec.block_size);
  const int64_t most = std::numeric_limits<int32_t>::max() / largest_block;
  out.num_blocks = static_cast<int>(std::min(num_blocks, most));
  if (config.scheduler.kind == SchedulerKind::kV0)
    out.num_host_blocks = num_host_blocks(config, out);
  return out;
}

ResolvedConfig fit_max_model_len(ResolvedConfig config, const KVCacheConfig& cache) {
  if (!config.fits_max_model_len) return config;
  constexpr int kLeastTokens = 2;  // one of the prompt, one of the output
  const int fits = max_num_tokens(cache, config.scheduler, cache.num_blocks - 1);
  if (fits < kLeastTokens) check_not_empty(config.kv_cache_budget, 0);
  config.scheduler.max_model_len = fits;
  return config;
}

int64_t kv_cache_num_bytes(const KVCacheConfig& config) {
  return bytes_per_block(config.groups) * config.num_blocks;
}

double max_concurrency(const KVCacheConfig& config, const SchedulerConfig& scheduler) {
  return static_cast<double>(config.num_blocks - 1) /
         static_cast<double>(num_blocks_of_request(config, scheduler, scheduler.max_model_len));
}

int64_t num_blocks_of_request(
    const KVCacheConfig& config, const SchedulerConfig& scheduler, int num_tokens
) {
  int64_t num_blocks = 0;
  for (const KVCacheGroupSpec& group : config.groups) {
    num_blocks += max_num_blocks(group.spec, num_tokens, scheduler.max_num_batched_tokens);
  }
  return num_blocks;
}

}  // namespace quire
