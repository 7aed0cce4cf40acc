#include "bench/workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "bench/arrival_trace.h"
#include "bench/temporary_model.h"
#include "config/model_config.h"
#include "hub/model_dir.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

// Token budgets of a step. The large one holds a whole prompt of the bundled model; the small one
// keeps a step short, so that running requests get their tokens in time.
constexpr int kLargeBudget = 2048;
constexpr int kSmallBudget = 256;

// More than any workload needs. All of it is taken from the system before the first pass: V1 goes
// round through its blocks and V0 takes the same ones again, so that else V1 alone would wait for
// pages that are new.
constexpr int64_t kCacheBytes = int64_t{512} << 20;

// As max_model_len: what the model and the KV cache allow.
constexpr int64_t kAutoModelLen = -1;

// What the workloads must know of the model.
struct Model {
  std::shared_ptr<const Tokenizer> tokenizer;  // nullptr with skip_tokenizer_init
  int max_model_len = 0;
  std::vector<int32_t> plain_token_ids;  // neither special nor the end of a text
};

Model look_at_model(const EngineConfig& config) {
  HubOptions hub;
  hub.revision = config.revision;
  hub.token = config.hf_token;
  if (config.download_dir) hub.download_dir = *config.download_dir;
  const std::filesystem::path dir = resolve_model_dir(config.model, hub);
  const ModelConfig model_config = load_model_config(dir);
  Model model;
  if (!config.skip_tokenizer_init) model.tokenizer = Tokenizer::from_dir(dir);
  const int derived = model_config.derived_max_model_len();
  const int64_t wish = config.max_model_len.value_or(kAutoModelLen);
  model.max_model_len = wish == kAutoModelLen ? derived : static_cast<int>(wish);
  const auto& eos = model_config.eos_token_ids;
  for (int32_t id = 0; id < model_config.vocab_size; ++id) {
    const bool is_special =
        model.tokenizer && (id >= model.tokenizer->vocab_size() || model.tokenizer->is_special(id));
    if (!is_special && std::ranges::find(eos, id) == eos.end()) model.plain_token_ids.push_back(id);
  }
  return model;
}

// Makes the requests of one workload.
class Builder {
 public:
  Builder(const std::string& name, const WorkloadOptions& options)
      : scale_(options.scale),
        model_(look_at_model(options.engine)),
        random_(static_cast<uint64_t>(options.engine.seed)) {
    workload_.name = name;
    EngineConfig& engine = workload_.baseline;
    engine = options.engine;
    if (!engine.num_gpu_blocks_override && !engine.kv_cache_memory_bytes)
      engine.kv_cache_memory_bytes = kCacheBytes;
    engine.kv_cache_population = "eager";
    workload_.candidate = engine;
  }

  // V0 as it is by default, and V1 as it is by default.
  Builder& compare_schedulers(int v0_budget, int v1_budget) {
    require_prompts_in_one_step(v0_budget);
    workload_.baseline_name = "V0";
    workload_.candidate_name = "V1";
    workload_.baseline.scheduler = "v0";
    workload_.baseline.enable_prefix_caching = false;
    workload_.baseline.enable_chunked_prefill = false;
    workload_.baseline.max_num_batched_tokens = v0_budget;
    use_v1(workload_.candidate, v1_budget);
    return *this;
  }

  Builder& compare_caching() {
    workload_.baseline_name = "V1 without prefix cache";
    workload_.candidate_name = "V1";
    use_v1(workload_.baseline, kLargeBudget);
    use_v1(workload_.candidate, kLargeBudget);
    workload_.baseline.enable_prefix_caching = false;
    return *this;
  }

  Builder& compare_async_scheduling() {
    workload_.baseline_name = "V1";
    workload_.candidate_name = "V1 with async scheduling";
    use_v1(workload_.baseline, kLargeBudget);
    use_v1(workload_.candidate, kLargeBudget);
    workload_.candidate.async_scheduling = true;
    return *this;
  }

  Builder& describe(std::string description) {
    workload_.description = std::move(description);
    return *this;
  }

  // Throws unless the longest request of the workload fits the model.
  void require_model_len(int num_tokens) const {
    if (model_.max_model_len >= num_tokens) return;
    throw InvalidArgument(
        "max_model_len",
        fmt::format(
            "The workload {} has requests of {} tokens, more than the model's {}.",
            workload_.name,
            num_tokens,
            model_.max_model_len
        )
    );
  }

  int scaled(int number) const {
    return std::max(1, static_cast<int>(std::lround(scale_ * number)));
  }

  std::vector<int32_t> random_tokens(int number) {
    std::uniform_int_distribution<size_t> pick(0, model_.plain_token_ids.size() - 1);
    std::vector<int32_t> token_ids(number);
    for (int32_t& id : token_ids)
      id = model_.plain_token_ids[pick(random_)];
    return token_ids;
  }

  // Its index.
  int add(WorkloadRequest request) {
    workload_.requests.push_back(std::move(request));
    return static_cast<int>(workload_.requests.size()) - 1;
  }

  const Model& model() const { return model_; }
  Workload& workload() { return workload_; }

 private:
  static void use_v1(EngineConfig& config, int budget) {
    config.scheduler = "v1";
    config.enable_prefix_caching = true;
    config.enable_chunked_prefill = true;
    config.max_num_batched_tokens = budget;
  }

  // V0 computes a prompt whole.
  void require_prompts_in_one_step(int budget) const {
    if (model_.max_model_len <= budget) return;
    throw InvalidArgument(
        "max_model_len",
        fmt::format(
            "The model takes {} tokens, and V0 computes a prompt in one step of at most {}: give "
            "--max-model-len {}.",
            model_.max_model_len,
            budget,
            budget
        )
    );
  }

  double scale_;
  Model model_;
  std::mt19937_64 random_;
  Workload workload_;
};

Workload make_hello(const WorkloadOptions& options) {
  constexpr int kNumOutputTokens = 50;
  Builder builder("hello", options);
  builder.compare_schedulers(kLargeBudget, kLargeBudget);
  const std::shared_ptr<const Tokenizer> tokenizer = builder.model().tokenizer;
  if (!tokenizer) {
    throw InvalidArgument(
        "skip_tokenizer_init", "The workload hello is text: it needs the tokenizer."
    );
  }
  const int num_requests = builder.scaled(100);
  for (int i = 0; i < num_requests; ++i)
    builder.add(
        {.token_ids = tokenizer->encode("Hello world"), .num_output_tokens = kNumOutputTokens}
    );
  builder.workload().is_streamed = false;
  builder.describe(fmt::format(
      "{} × “Hello world”, {} tokens each, all at once. Nothing to reuse and nothing to mix: "
      "both engines run the same batches. Budget {} for both.",
      num_requests,
      kNumOutputTokens,
      kLargeBudget
  ));
  return std::move(builder.workload());
}

// Requests that decode while bursts of long prompts arrive. A burst stops each of them under V0, so
// they are short enough for that to be more than 1 % of their tokens, and the burst comes early
// enough to meet them.
Workload make_mixed(const WorkloadOptions& options) {
  constexpr int kNumDecoding = 16;
  constexpr int kNumDecoded = 64;
  constexpr int kBurst = 8;
  constexpr int kNumLongTokens = 1024;
  constexpr int kNumLongDecoded = 8;
  constexpr double kBurstGap = 1.5;  // seconds
  constexpr double kDelay = 0.02;  // of a burst, seconds
  Builder builder("mixed", options);
  builder.require_model_len(kNumLongTokens + kNumLongDecoded);
  builder.compare_schedulers(kLargeBudget, kSmallBudget);
  const int num_bursts = builder.scaled(4);
  for (int burst = 0; burst < num_bursts; ++burst) {
    const double start = burst * kBurstGap;
    for (int i = 0; i < kNumDecoding; ++i) {
      builder.add({
          .arrival = start,
          .token_ids = builder.random_tokens(32),
          .num_output_tokens = kNumDecoded,
      });
    }
    for (int i = 0; i < kBurst; ++i) {
      builder.add({
          .arrival = start + kDelay,
          .token_ids = builder.random_tokens(kNumLongTokens),
          .num_output_tokens = kNumLongDecoded,
      });
    }
  }
  builder.describe(fmt::format(
      "{} times, every {} s: {} requests of 32 tokens that decode {} tokens, and {} s later a "
      "burst of {} prompts of {} tokens. V0 (budget {}) stops decoding until the burst is "
      "prefilled; V1 (budget {}) prefills in chunks beside it.",
      num_bursts,
      kBurstGap,
      kNumDecoding,
      kNumDecoded,
      kDelay,
      kBurst,
      kNumLongTokens,
      kLargeBudget,
      kSmallBudget
  ));
  return std::move(builder.workload());
}

Workload make_shared_prefix(const WorkloadOptions& options) {
  constexpr int kNumShared = 768;
  constexpr int kNumOwn = 32;
  constexpr int kNumOutputTokens = 16;
  Builder builder("shared-prefix", options);
  builder.require_model_len(kNumShared + kNumOwn + kNumOutputTokens);
  builder.compare_schedulers(kLargeBudget, kLargeBudget);
  const int num_requests = builder.scaled(64);
  const std::vector<int32_t> shared = builder.random_tokens(kNumShared);
  for (int i = 0; i < num_requests; ++i) {
    WorkloadRequest request{.token_ids = shared, .num_output_tokens = kNumOutputTokens};
    const std::vector<int32_t> own = builder.random_tokens(kNumOwn);
    request.token_ids.insert(request.token_ids.end(), own.begin(), own.end());
    builder.add(std::move(request));
  }
  builder.describe(fmt::format(
      "{} requests, all at once, that begin with the same {} tokens (a system prompt), then {} "
      "of their own; {} tokens each. V1 computes the shared part once. Budget {} for both.",
      num_requests,
      kNumShared,
      kNumOwn,
      kNumOutputTokens,
      kLargeBudget
  ));
  return std::move(builder.workload());
}

Workload make_chat(const WorkloadOptions& options) {
  constexpr int kNumTurns = 5;
  constexpr int kNumFirst = 200;
  constexpr int kNumLater = 64;
  constexpr int kNumOutputTokens = 48;
  Builder builder("chat", options);
  builder.require_model_len(kNumFirst + (kNumTurns - 1) * kNumLater + kNumTurns * kNumOutputTokens);
  builder.compare_schedulers(kLargeBudget, kLargeBudget);
  const int num_conversations = builder.scaled(16);
  for (int c = 0; c < num_conversations; ++c) {
    std::optional<int> previous;
    for (int turn = 0; turn < kNumTurns; ++turn) {
      previous = builder.add({
          .token_ids = builder.random_tokens(turn == 0 ? kNumFirst : kNumLater),
          .num_output_tokens = kNumOutputTokens,
          .previous_turn = previous,
      });
    }
  }
  builder.describe(fmt::format(
      "{} conversations of {} turns: {} tokens first, then {} more after each answer of {} "
      "tokens, without a pause. V1 finds the conversation so far in its cache. Budget {} for "
      "both.",
      num_conversations,
      kNumTurns,
      kNumFirst,
      kNumLater,
      kNumOutputTokens,
      kLargeBudget
  ));
  return std::move(builder.workload());
}

Workload make_bursty(const WorkloadOptions& options) {
  constexpr double kSpeedUp = 8.0;
  Builder builder("bursty", options);
  builder.compare_schedulers(kLargeBudget, kSmallBudget);
  const std::vector<TracedRequest> trace = parse_arrival_trace(read_file(options.trace));
  if (trace.empty()) throw InvalidArgument("--trace", "The trace has no requests.");
  const int max_model_len = builder.model().max_model_len;
  const double scale = length_scale(trace, max_model_len);
  const int num_requests = std::min(builder.scaled(200), static_cast<int>(trace.size()));
  for (int i = 0; i < num_requests; ++i) {
    const auto length = [&](int num_tokens) {
      return std::max(1, static_cast<int>(scale * num_tokens));
    };
    const int num_prompt = std::min(length(trace[i].num_context_tokens), max_model_len - 1);
    const int num_output =
        std::min(length(trace[i].num_generated_tokens), max_model_len - num_prompt);
    builder.add({
        .arrival = trace[i].arrival / kSpeedUp,
        .token_ids = builder.random_tokens(num_prompt),
        .num_output_tokens = num_output,
    });
  }
  builder.describe(fmt::format(
      "The first {} requests of Azure's conversation trace: arrivals {} times as fast as "
      "recorded, all lengths times {:.3f} so that the longest fits the model's {} tokens; the "
      "contents are random. Budget {} (V0) and {} (V1).",
      num_requests,
      kSpeedUp,
      scale,
      max_model_len,
      kLargeBudget,
      kSmallBudget
  ));
  return std::move(builder.workload());
}

// A step costs the reading of the weights, whatever is in it.
Workload make_memory_bound(const WorkloadOptions& options) {
  // Few enough that a step with them is still bound by the reading of the weights on a CPU.
  constexpr int kNumPromptTokens = 4;
  constexpr int kMinOutputTokens = 8;
  constexpr int kMaxOutputTokens = 24;
  constexpr int kMaxRunning = 4;
  WorkloadOptions own = options;
  const auto model_dir = make_temporary_model(kMemoryBoundModel);
  own.engine.model = model_dir->string();
  own.engine.load_format = "dummy";
  own.engine.dtype = "bfloat16";
  own.engine.skip_tokenizer_init = true;
  own.engine.tokenizer.reset();
  own.engine.max_num_seqs = kMaxRunning;
  Builder builder("memory-bound", own);
  builder.compare_schedulers(kLargeBudget, kLargeBudget);
  const int num_requests = builder.scaled(24);
  for (int i = 0; i < num_requests; ++i) {
    // Different lengths, so that places become free one by one.
    const int spread = kMaxOutputTokens - kMinOutputTokens + 1;
    builder.add({
        .token_ids = builder.random_tokens(kNumPromptTokens),
        .num_output_tokens = kMinOutputTokens + 7 * i % spread,
    });
  }
  builder.workload().model_dir = model_dir;
  builder.workload().is_streamed = false;
  builder.describe(fmt::format(
      "{} requests of {} tokens in and {} to {} out, all at once, at most {} running; a Llama of "
      "0.3 B parameters with random weights in bfloat16. V0 runs the prompt that takes a free "
      "place "
      "in a step of its own, while the others wait; V1 takes it along in a decode step. Budget {} "
      "for both.",
      num_requests,
      kNumPromptTokens,
      kMinOutputTokens,
      kMaxOutputTokens,
      kMaxRunning,
      kLargeBudget
  ));
  return std::move(builder.workload());
}

Workload make_no_hits(const WorkloadOptions& options) {
  constexpr int kNumPromptTokens = 256;
  constexpr int kNumOutputTokens = 32;
  Builder builder("no-hits", options);
  builder.require_model_len(kNumPromptTokens + kNumOutputTokens);
  builder.compare_caching();
  const int num_requests = builder.scaled(64);
  for (int i = 0; i < num_requests; ++i) {
    builder.add({
        .token_ids = builder.random_tokens(kNumPromptTokens),
        .num_output_tokens = kNumOutputTokens,
    });
  }
  builder.workload().is_streamed = false;
  builder.describe(fmt::format(
      "{} requests of {} tokens that have nothing in common, {} tokens each, all at once: what "
      "the prefix cache costs when it never hits. A cost far below the noise of the throughput "
      "shows in the time between steps. Budget {} for both.",
      num_requests,
      kNumPromptTokens,
      kNumOutputTokens,
      kLargeBudget
  ));
  return std::move(builder.workload());
}

Workload make_async(const WorkloadOptions& options) {
  constexpr int kNumTokens = 64;  // in and out
  Builder builder("async", options);
  builder.require_model_len(2 * kNumTokens);
  builder.compare_async_scheduling();
  const int num_requests = builder.scaled(64);
  for (int i = 0; i < num_requests; ++i) {
    builder.add({
        .token_ids = builder.random_tokens(kNumTokens),
        .num_output_tokens = kNumTokens,
    });
  }
  builder.describe(fmt::format(
      "{} requests of {} tokens in and out, all at once and streamed: what planning a step while "
      "the one before it runs gains where both need the same CPUs. Budget {} for both.",
      num_requests,
      kNumTokens,
      kLargeBudget
  ));
  return std::move(builder.workload());
}

struct NamedWorkload {
  const char* name;
  Workload (*make)(const WorkloadOptions&);
};

constexpr std::array kWorkloads = {
    NamedWorkload{"hello", make_hello},
    NamedWorkload{"mixed", make_mixed},
    NamedWorkload{"shared-prefix", make_shared_prefix},
    NamedWorkload{"chat", make_chat},
    NamedWorkload{"bursty", make_bursty},
    NamedWorkload{"memory-bound", make_memory_bound},
    NamedWorkload{"no-hits", make_no_hits},
    NamedWorkload{"async", make_async},
};

}  // namespace

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const NamedWorkload& workload : kWorkloads)
    names.emplace_back(workload.name);
  return names;
}

void check_workload_name(const std::string& name) {
  const std::vector<std::string> known = workload_names();
  if (std::ranges::find(known, name) != known.end()) return;
  throw InvalidArgument(
      "--workload", fmt::format("'{}' is not known. Use all, or: {}.", name, fmt::join(known, ", "))
  );
}

Workload make_workload(const std::string& name, const WorkloadOptions& options) {
  check_workload_name(name);
  const auto workload = std::ranges::find(kWorkloads, name, &NamedWorkload::name);
  return workload->make(options);
}

}  // namespace quire::bench
