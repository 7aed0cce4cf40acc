#include <fmt/format.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "bench/benchmarks.h"
#include "bench/dataset.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/error.h"
#include "quire/llm.h"

namespace quire::bench {
namespace {

struct ThroughputOptions {
  DatasetOptions dataset;
  std::optional<std::string> dataset_name;
  int n = 1;
  bool disable_detokenize = false;
  std::optional<std::string> output_json;
};

struct ThroughputResult {
  double elapsed_time = 0.0;  // seconds
  int64_t num_requests = 0;
  int64_t num_prompt_tokens = 0;
  int64_t num_output_tokens = 0;

  int64_t num_tokens() const { return num_prompt_tokens + num_output_tokens; }
  double per_second(int64_t number) const { return static_cast<double>(number) / elapsed_time; }
};

void add_options(cli::CommandLine& command_line, ThroughputOptions& options) {
  DatasetOptions& dataset = options.dataset;
  command_line.add_text(
      "dataset-name",
      options.dataset_name,
      "random (default): random tokens; sharegpt: a JSON list of conversations; custom: JSON lines "
      "with prompt and output_tokens."
  );
  command_line.add_text("dataset-path", dataset.path, "File of sharegpt or custom.");
  command_line.add_int("num-prompts", dataset.num_prompts, "Number of requests.");
  command_line.add_optional_int(
      "input-len", dataset.input_len, "Tokens of each prompt of random; default 1024."
  );
  command_line.add_optional_int(
      "output-len",
      dataset.output_len,
      "Tokens to generate for each; default 128 for random, else what the data say."
  );
  command_line.add_number(
      "random-range-ratio",
      dataset.random_range_ratio,
      "Lengths of random lie in [len * (1 - ratio), len * (1 + ratio)]."
  );
  command_line.add_int(
      "random-prefix-len", dataset.random_prefix_len, "Tokens that all prompts of random share."
  );
  command_line.add_int("n", options.n, "Completions of each prompt.");
  command_line.add_switch("disable-detokenize", options.disable_detokenize, "Make no text.");
  command_line.add_text("output-json", options.output_json, "File for the result.");
}

ThroughputResult measure(LLM& llm, const ThroughputOptions& options) {
  const std::vector<SampleRequest> requests =
      make_requests(options.dataset, prompt_source(llm.engine()));
  std::vector<Prompt> prompts;
  std::vector<SamplingParams> params;
  ThroughputResult result;
  for (const SampleRequest& request : requests) {
    prompts.push_back(request.prompt);
    SamplingParams& one = params.emplace_back();
    one.n = options.n;
    one.ignore_eos = true;
    one.max_tokens = request.num_output_tokens;
    one.detokenize = !options.disable_detokenize;
    result.num_prompt_tokens += request.num_prompt_tokens;
  }
  const double start = monotonic_time();
  const std::vector<RequestOutput> outputs = llm.generate(prompts, params);
  result.elapsed_time = monotonic_time() - start;
  result.num_requests = static_cast<int64_t>(outputs.size());
  for (const RequestOutput& output : outputs) {
    if (output.error) throw EnvironmentError("A request failed: " + *output.error);
    for (const CompletionOutput& completion : output.outputs) {
      result.num_output_tokens += static_cast<int64_t>(completion.token_ids.size());
    }
  }
  return result;
}

std::string to_json(const ThroughputResult& result) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  writer.field("elapsed_time", result.elapsed_time);
  writer.field("num_requests", result.num_requests);
  writer.field("total_num_tokens", result.num_tokens());
  writer.field("requests_per_second", result.per_second(result.num_requests));
  writer.field("tokens_per_second", result.per_second(result.num_tokens()));
  writer.end_object();
  return json;
}

}  // namespace

int run_throughput(int argc, char** argv) {
  cli::CommandLine command_line(
      "bench throughput", "Measures requests and tokens per second of a batch of requests."
  );
  ThroughputOptions options;
  add_options(command_line, options);
  command_line.add_engine_options();
  if (!command_line.parse(argc, argv)) return 0;
  const EngineConfig config = engine_config(command_line);
  options.dataset.name = options.dataset_name.value_or(options.dataset.name);
  check_dataset_options(options.dataset);
  check_json_path(options.output_json);
  options.dataset.seed = static_cast<uint64_t>(config.seed);
  LLM llm(config);
  const ThroughputResult result = measure(llm, options);
  const EngineStats stats = llm.engine().stats();
  cli::print(fmt::format(
      "Throughput: {:.2f} requests/s, {:.2f} total tokens/s, {:.2f} output tokens/s\n"
      "Total num prompt tokens:  {}\n"
      "Total num output tokens:  {}\n"
      "Steps: {}, mean batch: {:.1f} requests\n",
      result.per_second(result.num_requests),
      result.per_second(result.num_tokens()),
      result.per_second(result.num_output_tokens),
      result.num_prompt_tokens,
      result.num_output_tokens,
      stats.num_steps,
      stats.num_steps > 0
          ? static_cast<double>(stats.num_scheduled_reqs) / static_cast<double>(stats.num_steps)
          : 0.0
  ));
  if (options.output_json) write_json(*options.output_json, to_json(result));
  return 0;
}

}  // namespace quire::bench
