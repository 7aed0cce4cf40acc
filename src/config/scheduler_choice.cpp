#include "config/scheduler_choice.h"

#include <algorithm>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr double kDefaultSwapGib = 4.0;
constexpr double kMaxSwapShare = 0.7;

// The options that were given and that V1 lacks.
std::vector<const char*> v0_options(const EngineConfig& config) {
  std::vector<const char*> options;
  if (config.scheduler_delay_factor.value_or(0.0) != 0.0) {
    options.push_back("scheduler_delay_factor");
  }
  if (config.preemption_mode) options.push_back("preemption_mode");
  if (config.swap_space) options.push_back("swap_space");
  return options;
}

std::string flag_of(std::string field) {
  std::ranges::replace(field, '_', '-');
  return "--" + field;
}

bool is_never_swapped(const EngineConfig& config) {
  return config.preemption_mode == "recompute";
}

void refuse_under_v0(bool is_given, const char* field, const char* instead) {
  if (!is_given) return;
  throw InvalidArgument(
      field, fmt::format("{} is not supported with the V0 scheduler. {}", flag_of(field), instead)
  );
}

void refuse_v1_options(const EngineConfig& config) {
  refuse_under_v0(
      config.async_scheduling,
      "async_scheduling",
      "V0 plans a step when the one before it is done: leave it out, or use --scheduler v1."
  );
  refuse_under_v0(
      !config.scheduler_reserve_full_isl,
      "scheduler_reserve_full_isl",
      "V0 reserves the blocks of the whole prompt: leave it on, or use --scheduler v1."
  );
  refuse_under_v0(
      config.max_num_scheduled_tokens.has_value(),
      "max_num_scheduled_tokens",
      "Set --max-num-batched-tokens, or use --scheduler v1."
  );
  refuse_under_v0(
      config.disable_hybrid_kv_cache_manager,
      "disable_hybrid_kv_cache_manager",
      "V0 keeps the blocks of all tokens in every layer already: leave it out, or use --scheduler "
      "v1."
  );
  refuse_under_v0(
      config.kv_cache_metrics,
      "kv_cache_metrics",
      "V0's cache does not measure its blocks' lives: leave it out, or use --scheduler v1."
  );
}

void refuse_unused_swap_space(const EngineConfig& config) {
  if (!is_never_swapped(config) || config.swap_space.value_or(0.0) == 0.0) return;
  throw InvalidArgument(
      "swap_space",
      "--swap-space has no use with --preemption-mode recompute, under which nothing is swapped. "
      "Leave one of them out, or set --preemption-mode swap."
  );
}

PreemptionMode parse_preemption_mode(const std::string& name) {
  if (name == "recompute") return PreemptionMode::kRecompute;
  if (name == "swap") return PreemptionMode::kSwap;
  throw InvalidArgument(
      "preemption_mode",
      fmt::format("preemption_mode='{}' is not known. Use one of: recompute, swap.", name)
  );
}

// With the prefix cache a chunk is whole blocks, so a prompt's slot must have room for one.
void check_slots_hold_blocks(const CacheConfig& cache, const SchedulerConfig& scheduler) {
  const int slot_tokens = scheduler.max_num_batched_tokens / scheduler.max_num_partial_prefills;
  const bool cuts_at_blocks = scheduler.enable_chunked_prefill && cache.enable_prefix_caching;
  if (!cuts_at_blocks || slot_tokens >= cache.block_size) return;
  throw InvalidArgument(
      "max_num_batched_tokens",
      fmt::format(
          "max_num_batched_tokens ({}) gives each of {} prompts {} tokens, less than a block of "
          "{}: "
          "raise it, lower max_num_partial_prefills, or turn prefix caching off.",
          scheduler.max_num_batched_tokens,
          scheduler.max_num_partial_prefills,
          slot_tokens,
          cache.block_size
      )
  );
}

}  // namespace

SchedulerKind choose_scheduler(const EngineConfig& config, std::vector<std::string>& warnings) {
  const std::vector<const char*> options = v0_options(config);
  if (config.scheduler == "v1") {
    if (options.empty()) return SchedulerKind::kV1;
    const std::string flag = flag_of(options.front());
    throw InvalidArgument(
        options.front(),
        fmt::format(
            "{} is not supported with the V1 scheduler, which --scheduler v1 or VLLM_USE_V1=1 asks "
            "for. Leave {} out, or choose the V0 scheduler (--scheduler v0).",
            flag,
            flag
        )
    );
  }
  if (config.scheduler && config.scheduler != "v0") {
    throw InvalidArgument(
        "scheduler",
        fmt::format("scheduler='{}' is not known. Use one of: v0, v1.", *config.scheduler)
    );
  }
  if (!config.scheduler && options.empty()) return SchedulerKind::kV1;
  if (!config.scheduler) {
    for (const char* option : options) {
      const std::string flag = flag_of(option);
      warnings.push_back(fmt::format(
          "{} is not supported by the V1 Engine. Falling back to V0. We recommend to remove {} "
          "from your config in favor of the V1 Engine.",
          flag,
          flag
      ));
    }
  }
  refuse_v1_options(config);
  refuse_unused_swap_space(config);
  return SchedulerKind::kV0;
}

void resolve_v0_options(
    const EngineConfig& config, const CacheConfig& cache, SchedulerConfig& out
) {
  out.scheduler_delay_factor = config.scheduler_delay_factor.value_or(0.0);
  if (!(out.scheduler_delay_factor >= 0.0 && out.scheduler_delay_factor < 1e9)) {  // NaN too
    throw InvalidArgument(
        "scheduler_delay_factor",
        fmt::format(
            "scheduler_delay_factor must be 0 (off) or more, got {}.", out.scheduler_delay_factor
        )
    );
  }
  if (config.preemption_mode) out.preemption_mode = parse_preemption_mode(*config.preemption_mode);
  if (out.max_num_partial_prefills == 1 && out.long_prefill_token_threshold > 0) {
    throw InvalidArgument(
        "long_prefill_token_threshold",
        fmt::format(
            "long_prefill_token_threshold ({}) has a meaning under V0 only with chunked prefill "
            "and "
            "max_num_partial_prefills above 1: set both, or leave it out.",
            out.long_prefill_token_threshold
        )
    );
  }
  check_slots_hold_blocks(cache, out);
}

int64_t resolve_swap_space(const EngineConfig& config, const DeviceInfo& device) {
  if (is_never_swapped(config)) return 0;
  const double gib = config.swap_space.value_or(kDefaultSwapGib);
  const double num_bytes = gib * static_cast<double>(int64_t{1} << 30);
  const double most = kMaxSwapShare * static_cast<double>(device.total_memory_bytes);
  if (!config.swap_space) return static_cast<int64_t>(std::min(num_bytes, most));
  if (!(gib >= 0.0)) {  // NaN too
    throw InvalidArgument(
        "swap_space", fmt::format("swap_space must be 0 (none) or more GiB, got {}.", gib)
    );
  }
  if (num_bytes > most) {
    throw InvalidArgument(
        "swap_space",
        fmt::format(
            "swap_space ({} GiB) is more than 70 % of the {} of memory that this process may use. "
            "Ask for at most {:.1f}.",
            gib,
            format_gib(device.total_memory_bytes),
            most / static_cast<double>(int64_t{1} << 30)
        )
    );
  }
  return static_cast<int64_t>(num_bytes);
}

}  // namespace quire
