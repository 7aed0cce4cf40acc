#include "bench/engine_overhead.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "bench/benchmarks.h"
#include "bench/single_thread_engine.h"
#include "bench/statistics.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr int kWarmUpSteps = 32;
// Prompts have the same length, so all requests fill their blocks in the same step: a window holds
// one such step. It is short enough that most windows run undisturbed on a busy machine.
constexpr int kWindowSteps = 16;
constexpr int kNumRequests[] = {1, 8, 64, 256, 1024};

struct OverheadOptions {
  OverheadWorkload workload;
  int num_rounds = 5;
  bool disable_detokenize = false;
  std::optional<std::string> output_json;
};

struct OverheadResult {
  int num_requests = 0;
  Summary us_per_step;
  StepParts parts;  // of the median window
};

void add_options(cli::CommandLine& command_line, OverheadOptions& options) {
  command_line.add_int(
      "input-len", options.workload.num_prompt_tokens, "Tokens of each prompt, all different."
  );
  command_line.add_int(
      "num-steps",
      options.workload.num_steps,
      "Decode steps that are measured in a round, a multiple of 16."
  );
  command_line.add_int("num-rounds", options.num_rounds, "Rounds, each with new requests.");
  command_line.add_switch("disable-detokenize", options.disable_detokenize, "Make no text.");
  command_line.add_text("output-json", options.output_json, "File for the result.");
}

void check(const OverheadOptions& options) {
  const auto require_positive = [](const char* option, int value) {
    if (value < 1) throw InvalidArgument(option, fmt::format("must be at least 1, got {}.", value));
  };
  require_positive("--input-len", options.workload.num_prompt_tokens);
  require_positive("--num-steps", options.workload.num_steps);
  require_positive("--num-rounds", options.num_rounds);
  if (options.workload.num_steps % kWindowSteps != 0) {
    throw InvalidArgument(
        "--num-steps",
        fmt::format("must be a multiple of {}, got {}.", kWindowSteps, options.workload.num_steps)
    );
  }
}

std::vector<int32_t> random_prompt(std::mt19937_64& random, int length, int vocab_size) {
  std::uniform_int_distribution<int32_t> pick(0, vocab_size - 1);
  std::vector<int32_t> token_ids(length);
  for (int32_t& id : token_ids)
    id = pick(random);
  return token_ids;
}

// Takes a step. Throws InvalidArgument if the requests cannot all decode at once: then no step
// would ever give each of them a token.
StepParts step_together(SingleThreadEngine& engine, const OverheadWorkload& workload) {
  const EngineStats& stats = engine.core().stats();
  const int64_t num_preemptions = stats.num_preemptions;
  const int64_t num_steps = stats.num_steps;
  const StepParts parts = engine.step();
  if (stats.num_preemptions > num_preemptions) {
    throw InvalidArgument(
        "num_gpu_blocks_override",
        fmt::format(
            "The KV cache of {} blocks does not hold {} requests with {} prompt tokens while they "
            "decode: one was preempted. Give more blocks (--num-gpu-blocks-override or "
            "--kv-cache-memory-bytes), or fewer requests with --max-num-seqs.",
            stats.num_gpu_blocks,
            workload.num_requests,
            workload.num_prompt_tokens
        )
    );
  }
  if (engine.has_ended_request() || stats.num_steps == num_steps) {
    throw InvalidArgument(
        "--input-len",
        fmt::format(
            "{} requests with {} prompt tokens cannot all decode at once: the first ended before "
            "the last began. Lower --input-len, give fewer requests with --max-num-seqs, or raise "
            "--max-num-batched-tokens, --max-num-scheduled-tokens or --num-gpu-blocks-override.",
            workload.num_requests,
            workload.num_prompt_tokens
        )
    );
  }
  return parts;
}

// One round: all requests decode together for num_steps steps, then they end. Appends the means of
// its windows.
void measure_round(
    SingleThreadEngine& engine,
    const OverheadWorkload& workload,
    std::mt19937_64& random,
    std::vector<StepParts>& windows
) {
  SamplingParams params;
  params.output_kind = RequestOutputKind::kFinalOnly;
  params.ignore_eos = true;
  params.detokenize = workload.detokenize;
  // Some are prefilled before others: they may not end while the last ones still run.
  params.max_tokens = engine.max_model_len() - workload.num_prompt_tokens;
  for (int i = 0; i < workload.num_requests; ++i) {
    engine.add_request(
        random_prompt(random, workload.num_prompt_tokens, engine.vocab_size()), params
    );
  }
  int num_warm_up_steps = 0;
  while (num_warm_up_steps < kWarmUpSteps) {
    (void)step_together(engine, workload);
    if (engine.num_new_tokens() == workload.num_requests) ++num_warm_up_steps;
  }
  StepParts sum;
  for (int step = 1; step <= workload.num_steps; ++step) {
    sum += step_together(engine, workload);
    if (step % kWindowSteps == 0) windows.push_back(std::exchange(sum, {}) / kWindowSteps);
    QUIRE_CHECK(
        engine.num_new_tokens() == workload.num_requests,
        "{} of {} requests got a token",
        engine.num_new_tokens(),
        workload.num_requests
    );
  }
  engine.abort_all();
}

OverheadResult measure(const EngineConfig& config, const OverheadOptions& options, int number) {
  OverheadWorkload workload = options.workload;
  workload.num_requests = number;
  workload.detokenize = !options.disable_detokenize && !config.skip_tokenizer_init;
  const std::vector<StepParts> windows =
      measure_engine_overhead(config, workload, options.num_rounds);
  std::vector<double> totals;
  for (const StepParts& parts : windows)
    totals.push_back(parts.total());
  OverheadResult result{.num_requests = number, .us_per_step = summarize(totals)};
  const auto distance = [&](const StepParts& parts) {
    return std::abs(parts.total() - result.us_per_step.median);
  };
  result.parts = *std::ranges::min_element(windows, {}, distance);
  return result;
}

std::string to_json(const std::vector<OverheadResult>& results) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("results").begin_array();
  for (const OverheadResult& result : results) {
    writer.begin_object();
    writer.field("num_requests", result.num_requests);
    writer.field("us_per_step", result.us_per_step.median);
    writer.field("us_per_step_min", result.us_per_step.min);
    writer.field("us_per_step_max", result.us_per_step.max);
    writer.field("schedule_us", result.parts.schedule);
    writer.field("prepare_us", result.parts.prepare);
    writer.field("update_us", result.parts.update);
    writer.field("output_us", result.parts.output);
    writer.end_object();
  }
  writer.end_array().end_object();
  return json;
}

std::string table_row(const OverheadResult& result) {
  return fmt::format(
      "{:>8}  {:>9.1f} ({:.1f}–{:.1f})  schedule {:.1f}, prepare {:.1f}, update {:.1f}, output "
      "{:.1f}\n",
      result.num_requests,
      result.us_per_step.median,
      result.us_per_step.min,
      result.us_per_step.max,
      result.parts.schedule,
      result.parts.prepare,
      result.parts.update,
      result.parts.output
  );
}

// What a null engine needs to hold the largest number of requests.
EngineConfig null_engine_config(const cli::CommandLine& command_line) {
  EngineConfig config = engine_config(command_line);
  if (command_line.was_given("load_format") && config.load_format != "null") {
    throw InvalidArgument(
        "load_format",
        fmt::format(
            "bench engine-overhead measures the engine without a model: use null, not {}.",
            config.load_format
        )
    );
  }
  config.load_format = "null";
  config.use_tqdm_on_load = false;
  if (!config.max_num_seqs) config.max_num_seqs = *std::ranges::max_element(kNumRequests);
  return config;
}

}  // namespace

StepParts& StepParts::operator+=(const StepParts& other) {
  schedule += other.schedule;
  prepare += other.prepare;
  update += other.update;
  output += other.output;
  return *this;
}

StepParts StepParts::operator/(double number) const {
  return {schedule / number, prepare / number, update / number, output / number};
}

std::vector<StepParts> measure_engine_overhead(
    const EngineConfig& config, const OverheadWorkload& workload, int num_rounds
) {
  SingleThreadEngine engine(config);
  const int num_tokens = workload.num_prompt_tokens + workload.num_steps + 2 * kWarmUpSteps;
  if (num_tokens > engine.max_model_len()) {
    throw InvalidArgument(
        "--num-steps",
        fmt::format(
            "A request gets about {} tokens, more than the model's {}. Lower --num-steps or "
            "--input-len.",
            num_tokens,
            engine.max_model_len()
        )
    );
  }
  std::mt19937_64 random(static_cast<uint64_t>(config.seed));
  std::vector<StepParts> windows;
  for (int round = 0; round < num_rounds; ++round)
    measure_round(engine, workload, random, windows);
  return windows;
}

int run_engine_overhead(int argc, char** argv) {
  cli::CommandLine command_line(
      "bench engine-overhead",
      "Measures what the engine itself costs in a step of decoding requests, on one thread and "
      "without a model: scheduling, KV cache bookkeeping, input preparation, update and output."
  );
  OverheadOptions options;
  add_options(command_line, options);
  command_line.add_engine_options();
  if (!command_line.parse(argc, argv)) return 0;
  check(options);
  check_json_path(options.output_json);
  const EngineConfig config = null_engine_config(command_line);
  std::vector<OverheadResult> results;
  cli::print("requests  us per step: median (range) of windows of 16 steps, and parts\n");
  for (const int number : kNumRequests) {
    if (number > *config.max_num_seqs) break;
    results.push_back(measure(config, options, number));
    cli::print(table_row(results.back()));
  }
  if (options.output_json) write_json(*options.output_json, to_json(results));
  return 0;
}

}  // namespace quire::bench
