#include "config/resolve.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/math.h"
#include "config/scheduler_choice.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr int kCpuBlockMultiple = 16;
constexpr double kCpuMemoryShare = 0.5;
constexpr int kMaxNumSeqs = 65536;
constexpr int kV0LongModelLen = 32768;  // tokens; beyond it V0 chunks prompts by default
constexpr double kLongPrefillShare = 0.04;  // of max_model_len

// The value of an option that has a fixed set of names.
template <class T, size_t kCount>
T parse_choice(
    const char* field,
    const std::string& value,
    const std::array<std::pair<const char*, T>, kCount>& choices
) {
  std::vector<std::string> names;
  for (const auto& [name, choice] : choices) {
    if (value == name) return choice;
    names.emplace_back(name);
  }
  throw InvalidArgument(
      field,
      fmt::format("{}='{}' is not known. Use one of: {}.", field, value, fmt::join(names, ", "))
  );
}

template <class T>
void require_positive(const char* field, const std::optional<T>& value) {
  if (value && *value <= 0) {
    throw InvalidArgument(field, fmt::format("{} must be at least 1, got {}.", field, *value));
  }
}

DType resolve_dtype(const EngineConfig& config, const ModelConfig& model, ResolvedConfig& out) {
  if (config.dtype == "auto") {
    if (model.dtype == DType::kBFloat16) return model.dtype;
    out.notes.push_back(fmt::format(
        "The checkpoint is {}; computing in bfloat16. Use --dtype float32 for full precision.",
        dtype_name(model.dtype)
    ));
    return DType::kBFloat16;
  }
  const auto dtype = parse_dtype(config.dtype);
  if (!dtype) {
    throw InvalidArgument(
        "dtype",
        fmt::format("dtype='{}' is not known. Use auto, bfloat16 or float32.", config.dtype)
    );
  }
  if (*dtype == DType::kFloat16) {
    throw InvalidArgument(
        "dtype", "dtype=float16 is not supported on the CPU. Use bfloat16, or float32."
    );
  }
  return *dtype;
}

int resolve_max_model_len(
    const EngineConfig& config, const ModelConfig& model, bool allow_long, ResolvedConfig& out
) {
  const int derived = model.derived_max_model_len();
  if (!config.max_model_len) return derived;
  const int64_t wish = *config.max_model_len;
  if (wish == -1) {
    out.fits_max_model_len = true;
    return derived;
  }
  if (wish < 1 || wish > (1 << 30)) {
    throw InvalidArgument(
        "max_model_len", fmt::format("max_model_len must be at least 1 (or -1), got {}.", wish)
    );
  }
  if (wish > derived) {
    if (!allow_long) {
      throw InvalidArgument(
          "max_model_len",
          fmt::format(
              "User-specified max_model_len ({}) is greater than the derived max_model_len "
              "(max_position_embeddings={} in config.json). Lower it, or set "
              "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1 if the model is known to work beyond its length.",
              wish,
              derived
          )
      );
    }
    out.notes.push_back(fmt::format("max_model_len={} is beyond the model's own {}.", wish, derived)
    );
  }
  return static_cast<int>(wish);
}

// CPU defaults of vLLM: 256 / 4096 offline, 128 / 2048 in the server; V0's: 256 / 2048.
void resolve_budget(const EngineConfig& config, UsageContext usage, SchedulerConfig& out) {
  require_positive("max_num_seqs", config.max_num_seqs);
  if (config.max_num_seqs.value_or(1) > kMaxNumSeqs) {
    throw InvalidArgument(
        "max_num_seqs",
        fmt::format("max_num_seqs ({}) must be at most {}.", *config.max_num_seqs, kMaxNumSeqs)
    );
  }
  require_positive("max_num_batched_tokens", config.max_num_batched_tokens);
  const bool server = usage == UsageContext::kServer;
  const bool is_v0 = out.kind == SchedulerKind::kV0;
  out.max_num_seqs = config.max_num_seqs.value_or(server && !is_v0 ? 128 : 256);
  // A small budget alone is a wish that a default must not stand against.
  if (!config.max_num_seqs && config.max_num_batched_tokens) {
    out.max_num_seqs = std::min(out.max_num_seqs, *config.max_num_batched_tokens);
  }
  if (config.max_num_batched_tokens) {
    out.max_num_batched_tokens = *config.max_num_batched_tokens;
  } else {
    const int64_t most = static_cast<int64_t>(out.max_num_seqs) * out.max_model_len;
    int budget = server || is_v0 ? 2048 : 4096;
    if (!out.enable_chunked_prefill) budget = std::max(budget, out.max_model_len);
    budget = static_cast<int>(std::min<int64_t>(budget, most));
    out.max_num_batched_tokens = std::max(budget, out.max_num_seqs);
  }
  if (out.max_num_batched_tokens < out.max_num_seqs) {
    throw InvalidArgument(
        "max_num_batched_tokens",
        fmt::format(
            "max_num_batched_tokens ({}) must be greater than or equal to max_num_seqs ({}).",
            out.max_num_batched_tokens,
            out.max_num_seqs
        )
    );
  }
  if (!out.enable_chunked_prefill && out.max_num_batched_tokens < out.max_model_len) {
    throw InvalidArgument(
        "max_num_batched_tokens",
        fmt::format(
            "max_num_batched_tokens ({}) is smaller than max_model_len ({}). Without chunked "
            "prefill "
            "longer prompts could never run: raise it, lower max_model_len, or enable chunked "
            "prefill.",
            out.max_num_batched_tokens,
            out.max_model_len
        )
    );
  }
}

void resolve_partial_prefills(const EngineConfig& config, SchedulerConfig& out) {
  out.max_num_partial_prefills = config.max_num_partial_prefills;
  out.max_long_partial_prefills = config.max_long_partial_prefills;
  out.long_prefill_token_threshold = config.long_prefill_token_threshold;
  if (out.max_num_partial_prefills < 1) {
    throw InvalidArgument(
        "max_num_partial_prefills",
        fmt::format(
            "max_num_partial_prefills ({}) must be greater than or equal to 1.",
            out.max_num_partial_prefills
        )
    );
  }
  if (out.max_num_partial_prefills > 1 && !out.enable_chunked_prefill) {
    throw InvalidArgument(
        "max_num_partial_prefills",
        fmt::format(
            "max_num_partial_prefills ({}) > 1 needs chunked prefill: enable it, or leave the "
            "option at 1.",
            out.max_num_partial_prefills
        )
    );
  }
  if (out.max_long_partial_prefills < 1 ||
      out.max_long_partial_prefills > out.max_num_partial_prefills) {
    throw InvalidArgument(
        "max_long_partial_prefills",
        fmt::format(
            "max_long_partial_prefills ({}) must be greater than or equal to 1 and less than or "
            "equal to max_num_partial_prefills ({}).",
            out.max_long_partial_prefills,
            out.max_num_partial_prefills
        )
    );
  }
  if (out.max_num_partial_prefills > 1 && out.long_prefill_token_threshold == 0) {
    out.long_prefill_token_threshold =
        std::max(1, static_cast<int>(kLongPrefillShare * out.max_model_len));
  }
  if (out.long_prefill_token_threshold < 0 ||
      out.long_prefill_token_threshold > out.max_model_len) {
    throw InvalidArgument(
        "long_prefill_token_threshold",
        fmt::format(
            "long_prefill_token_threshold ({}) must be between 0 (off) and max_model_len ({}).",
            out.long_prefill_token_threshold,
            out.max_model_len
        )
    );
  }
}

// What a step hands out must still let every running request go on, and a whole prompt run where
// prompts are not split.
void resolve_scheduled_tokens(const EngineConfig& config, SchedulerConfig& out) {
  out.max_num_scheduled_tokens = config.max_num_scheduled_tokens;
  if (!out.max_num_scheduled_tokens) return;
  const int least =
      out.enable_chunked_prefill ? out.max_num_seqs : std::max(out.max_num_seqs, out.max_model_len);
  const int wish = *out.max_num_scheduled_tokens;
  if (wish >= least && wish <= out.max_num_batched_tokens) return;
  throw InvalidArgument(
      "max_num_scheduled_tokens",
      fmt::format(
          "max_num_scheduled_tokens ({}) must be between {} ({}) and max_num_batched_tokens ({}).",
          wish,
          least,
          out.enable_chunked_prefill ? "max_num_seqs" : "max_model_len, without chunked prefill",
          out.max_num_batched_tokens
      )
  );
}

void resolve_scheduler(const EngineConfig& config, UsageContext usage, ResolvedConfig& resolved) {
  SchedulerConfig& out = resolved.scheduler;
  const bool is_v0 = out.kind == SchedulerKind::kV0;
  const bool chunks_by_default = !is_v0 || out.max_model_len > kV0LongModelLen;
  out.enable_chunked_prefill = config.enable_chunked_prefill.value_or(chunks_by_default);
  out.scheduler_reserve_full_isl = config.scheduler_reserve_full_isl;
  out.async_scheduling = config.async_scheduling;
  resolve_partial_prefills(config, out);
  constexpr std::array<std::pair<const char*, SchedulingPolicy>, 2> kPolicies = {
      {{"fcfs", SchedulingPolicy::kFcfs}, {"priority", SchedulingPolicy::kPriority}}};
  out.policy = parse_choice("scheduling_policy", config.scheduling_policy, kPolicies);
  resolve_budget(config, usage, out);
  resolve_scheduled_tokens(config, out);
  const int64_t most = static_cast<int64_t>(out.max_num_seqs) * out.max_model_len;
  if (out.max_num_batched_tokens > most) {
    resolved.notes.push_back(fmt::format(
        "max_num_batched_tokens ({}) exceeds max_num_seqs * max_model_len ({}): no step can be "
        "that large.",
        out.max_num_batched_tokens,
        most
    ));
  }
}

std::optional<double> resolve_kv_cache_metrics(const EngineConfig& config) {
  const double sample = config.kv_cache_metrics_sample;
  if (!(sample > 0.0 && sample <= 1.0)) {  // NaN too
    throw InvalidArgument(
        "kv_cache_metrics_sample",
        fmt::format("kv_cache_metrics_sample must be in (0, 1], got {}.", sample)
    );
  }
  return config.kv_cache_metrics ? std::optional(sample) : std::nullopt;
}

void resolve_cache(const EngineConfig& config, SchedulerKind kind, CacheConfig& out) {
  const bool is_v0 = kind == SchedulerKind::kV0;
  out.enable_prefix_caching = config.enable_prefix_caching.value_or(!is_v0);
  out.disable_hybrid_kv_cache_manager = config.disable_hybrid_kv_cache_manager;
  out.keeps_all_blocks = is_v0;
  using Algo = PrefixCachingHashAlgo;
  constexpr std::array<std::pair<const char*, Algo>, 4> kAlgos = {
      {{"sha256", Algo::kSha256},
       {"sha256_cbor", Algo::kSha256Cbor},
       {"xxhash", Algo::kXxhash},
       {"xxhash_cbor", Algo::kXxhash}}};
  out.prefix_caching_hash_algo =
      parse_choice("prefix_caching_hash_algo", config.prefix_caching_hash_algo, kAlgos);
  constexpr std::array<std::pair<const char*, KVCachePopulation>, 3> kPopulations = {
      {{"lazy", KVCachePopulation::kLazy},
       {"background", KVCachePopulation::kBackground},
       {"eager", KVCachePopulation::kEager}}};
  out.population = parse_choice("kv_cache_population", config.kv_cache_population, kPopulations);
  out.kv_cache_metrics_sample = resolve_kv_cache_metrics(config);
  out.block_size = config.block_size.value_or(kCpuBlockMultiple);
  if (!is_power_of_two(out.block_size) || out.block_size < kCpuBlockMultiple) {
    throw InvalidArgument(
        "block_size",
        fmt::format(
            "block_size ({}) must be a power of two and a multiple of {} on the CPU: 16, 32, 64 …",
            out.block_size,
            kCpuBlockMultiple
        )
    );
  }
  if (config.kv_cache_dtype != "auto") {
    throw InvalidArgument(
        "kv_cache_dtype",
        fmt::format(
            "kv_cache_dtype='{}' is not supported: the cache has the model's dtype. Use auto.",
            config.kv_cache_dtype
        )
    );
  }
}

void resolve_kv_budget(const EngineConfig& config, const DeviceInfo& device, ResolvedConfig& out) {
  require_positive("num_gpu_blocks_override", config.num_gpu_blocks_override);
  require_positive("kv_cache_memory_bytes", config.kv_cache_memory_bytes);
  const double share = config.gpu_memory_utilization.value_or(kCpuMemoryShare);
  if (!(share > 0.0 && share <= 1.0)) {  // NaN too
    throw InvalidArgument(
        "gpu_memory_utilization",
        fmt::format("gpu_memory_utilization must be in (0, 1], got {}.", share)
    );
  }
  out.kv_cache_budget.num_blocks = config.num_gpu_blocks_override;
  if (config.num_gpu_blocks_override) out.cache.size_option = "num_gpu_blocks_override";
  out.kv_cache_budget.num_bytes = config.kv_cache_memory_bytes;
  out.kv_cache_budget.total_bytes = device.total_memory_bytes;
  out.kv_cache_budget.share_bytes =
      static_cast<int64_t>(share * static_cast<double>(device.total_memory_bytes));
}

void check_machine(const EngineConfig& config, const DeviceInfo& device) {
  if (config.device != "auto" && config.device != "cpu") {
    throw InvalidArgument(
        "device",
        fmt::format(
            "device='{}' is not in this build, which runs on the CPU. Use cpu.", config.device
        )
    );
  }
  require_positive("num_threads", config.num_threads);
  // Kernel threads wait for each other: more of them than CPUs would stand in their own way.
  if (config.num_threads.value_or(1) > device.num_cpus) {
    throw InvalidArgument(
        "num_threads",
        fmt::format(
            "num_threads ({}) is more than the {} CPUs that this process may use.",
            *config.num_threads,
            device.num_cpus
        )
    );
  }
  if (config.max_logprobs < -1) {
    throw InvalidArgument(
        "max_logprobs", fmt::format("max_logprobs must be -1 or more, got {}.", config.max_logprobs)
    );
  }
  if (config.stream_interval < 1) {
    throw InvalidArgument(
        "stream_interval",
        fmt::format("stream_interval must be at least 1, got {}.", config.stream_interval)
    );
  }
}

}  // namespace

ResolvedConfig resolve(
    const EngineConfig& config,
    const ModelConfig& model,
    const DeviceInfo& device,
    UsageContext usage,
    bool allow_long_max_model_len
) {
  check_machine(config, device);
  ResolvedConfig out;
  out.model = model;
  out.dtype = resolve_dtype(config, model, out);
  out.scheduler.max_model_len = resolve_max_model_len(config, model, allow_long_max_model_len, out);
  out.scheduler.kind = choose_scheduler(config, out.warnings);
  resolve_scheduler(config, usage, out);
  resolve_cache(config, out.scheduler.kind, out.cache);
  if (out.scheduler.kind == SchedulerKind::kV0) {
    resolve_v0_options(config, out.cache, out.scheduler);
    out.swap_space_bytes = resolve_swap_space(config, device);
    out.notes.push_back("The V0 scheduler runs: prompts first, in steps of their own.");
  }
  resolve_kv_budget(config, device, out);
  if (config.batch_invariant) {
    out.notes.push_back("batch_invariant: a prompt gets the same logits alone and in any batch.");
  }
  out.num_threads = config.num_threads.value_or(device.num_cpus);
  out.seed = static_cast<uint64_t>(config.seed);
  return out;
}

void check_values(const EngineConfig& config, UsageContext usage) {
  const DeviceInfo device{.total_memory_bytes = int64_t{1} << 50, .num_cpus = 1 << 20};
  check_machine(config, device);
  ModelConfig model;
  model.max_position_embeddings = 1 << 30;
  ResolvedConfig out;
  out.dtype = resolve_dtype(config, model, out);
  out.scheduler.max_model_len = resolve_max_model_len(config, model, true, out);
  resolve_scheduler(config, usage, out);
  resolve_cache(config, out.scheduler.kind, out.cache);
  resolve_kv_budget(config, device, out);
}

}  // namespace quire
