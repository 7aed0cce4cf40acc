#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/progress_bar.h"
#include "bench/benchmarks.h"
#include "bench/dataset.h"
#include "bench/percentile.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/error.h"
#include "quire/llm.h"

namespace quire::bench {
namespace {

constexpr int kPercentages[] = {10, 25, 50, 75, 90, 99};

struct LatencyOptions {
  int input_len = 32;
  int output_len = 128;
  int batch_size = 8;
  int n = 1;
  int num_iters_warmup = 10;
  int num_iters = 30;
  bool disable_detokenize = false;
  std::optional<std::string> output_json;
};

void add_options(cli::CommandLine& command_line, LatencyOptions& options) {
  command_line.add_int("input-len", options.input_len, "Tokens of each prompt.");
  command_line.add_int("output-len", options.output_len, "Tokens to generate for each.");
  command_line.add_int("batch-size", options.batch_size, "Requests at once.");
  command_line.add_int("n", options.n, "Completions of each prompt.");
  command_line.add_int("num-iters-warmup", options.num_iters_warmup, "Batches before measuring.");
  command_line.add_int("num-iters", options.num_iters, "Batches that are measured.");
  command_line.add_switch("disable-detokenize", options.disable_detokenize, "Make no text.");
  command_line.add_text("output-json", options.output_json, "File for the result.");
}

void check(const LatencyOptions& options) {
  const auto require = [](const char* option, int value, int min) {
    if (value >= min) return;
    throw InvalidArgument(option, fmt::format("must be at least {}, got {}.", min, value));
  };
  require("--batch-size", options.batch_size, 1);
  require("--num-iters-warmup", options.num_iters_warmup, 0);
  require("--num-iters", options.num_iters, 1);
}

class LatencyRun {
 public:
  LatencyRun(LLM& llm, const LatencyOptions& options, uint64_t seed) : llm_(llm) {
    DatasetOptions dataset;
    dataset.num_prompts = options.batch_size;
    dataset.input_len = options.input_len;
    dataset.output_len = options.output_len;
    dataset.seed = seed;
    for (SampleRequest& request : make_requests(dataset, prompt_source(llm.engine()))) {
      prompts_.push_back(std::move(request.prompt));
    }
    params_.n = options.n;
    params_.ignore_eos = true;
    params_.max_tokens = options.output_len;
    params_.detokenize = !options.disable_detokenize;
  }

  // Seconds of each of `number` batches, from the first request in to the last output.
  std::vector<double> run(const char* description, int number) {
    ProgressBar bar(description, number, true);
    std::vector<double> latencies;
    for (int i = 0; i < number; ++i) {
      const double start = monotonic_time();
      generate_batch();
      latencies.push_back(monotonic_time() - start);
      bar.update(i + 1);
    }
    return latencies;
  }

 private:
  void generate_batch() {
    GenerateOptions options;
    options.use_tqdm = false;
    for (const RequestOutput& output : llm_.generate(prompts_, {&params_, 1}, options)) {
      if (output.error) throw EnvironmentError("A request failed: " + *output.error);
    }
  }

  LLM& llm_;
  std::vector<Prompt> prompts_;
  SamplingParams params_;
};

std::string to_json(double average, const std::vector<double>& latencies) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().field("avg_latency", average).key("latencies").begin_array();
  for (const double latency : latencies)
    writer.value(latency);
  writer.end_array().key("percentiles").begin_object();
  for (const int percentage : kPercentages) {
    writer.field(std::to_string(percentage), percentile(latencies, percentage));
  }
  writer.end_object().end_object();
  return json;
}

}  // namespace

int run_latency(int argc, char** argv) {
  cli::CommandLine command_line(
      "bench latency", "Measures how long one batch of requests takes from first to last token."
  );
  LatencyOptions options;
  add_options(command_line, options);
  command_line.add_engine_options();
  if (!command_line.parse(argc, argv)) return 0;
  check(options);
  check_json_path(options.output_json);
  EngineConfig config = engine_config(command_line);
  // The same prompts come again in every batch: their prefill would vanish.
  if (!command_line.was_given("enable_prefix_caching")) config.enable_prefix_caching = false;
  LLM llm(config);
  LatencyRun run(llm, options, static_cast<uint64_t>(config.seed));
  (void)run.run("Warmup iterations", options.num_iters_warmup);
  const std::vector<double> latencies = run.run("Bench iterations", options.num_iters);
  const double average = std::accumulate(latencies.begin(), latencies.end(), 0.0) /
                         static_cast<double>(latencies.size());
  cli::print(fmt::format("Avg latency: {:.6f} seconds\n", average));
  for (const int percentage : kPercentages) {
    cli::print(fmt::format(
        "{}% percentile latency: {:.6f} seconds\n", percentage, percentile(latencies, percentage)
    ));
  }
  if (options.output_json) write_json(*options.output_json, to_json(average, latencies));
  return 0;
}

}  // namespace quire::bench
