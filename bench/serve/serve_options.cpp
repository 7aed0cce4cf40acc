#include "bench/serve/serve_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <simdjson.h>

#include "cli/option_value.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr const char* kMetrics[] = {"ttft", "tpot", "itl", "e2el"};
constexpr const char* kSamplingNames[] = {
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
};

// What the user typed, before it is what ServeOptions holds.
struct Words {
  std::optional<std::string> backend;
  std::optional<std::string> host;
  std::optional<std::string> endpoint;
  std::optional<std::string> dataset_name;
  std::optional<int> custom_output_len;
  std::optional<int> sharegpt_output_len;
  std::optional<int> random_input_len;
  std::optional<int> random_output_len;
  int seed = 0;
  std::vector<std::string> goodput;
  std::optional<std::string> percentile_metrics;
  std::optional<std::string> metric_percentiles;
  double sampling[std::size(kSamplingNames)] = {};
};

void add_server_options(cli::CommandLine& line, ServeOptions& options, Words& words) {
  line.add_text("backend", words.backend, "openai (default), vllm (the same), openai-chat.");
  line.add_text("base-url", options.base_url, "Address of the server, before --endpoint.");
  line.add_text("host", words.host, "Host of the server; default 127.0.0.1.");
  line.add_int("port", options.port, "Port of the server.");
  line.add_text("endpoint", words.endpoint, "Path of the API; default by backend.");
  line.add_text("api-key", options.api_key, "Sent as a bearer token; else OPENAI_API_KEY.");
  line.add_texts("header", options.header, "Further headers, name=value.");
  line.add_text("model", options.model, "Model to ask for; default: the server's first.");
  line.add_text(
      "served-model-name", options.served_model_name, "Name of the model in the API, if another."
  );
  line.add_text(
      "tokenizer", options.tokenizer, "Folder or repository; default: the model, if it is there."
  );
  line.add_int(
      "ready-check-timeout-sec", options.ready_check_timeout_sec, "Wait so long for the server."
  );
  line.add_int(
      "client-timeout-sec", options.client_timeout_sec, "Give up after so long without an answer."
  );
}

void add_dataset_options(cli::CommandLine& line, ServeOptions& options, Words& words) {
  DatasetOptions& dataset = options.dataset;
  line.add_text(
      "dataset-name",
      words.dataset_name,
      "random (default), sharegpt (a JSON list of conversations), custom (JSON lines with prompt "
      "and output_tokens), trace (arrival times and lengths: a CSV table as Azure publishes it or "
      "JSON lines as Mooncake does)."
  );
  line.add_text("dataset-path", dataset.path, "File of the data.");
  line.add_int("num-prompts", dataset.num_prompts, "Number of requests.");
  line.add_optional_int("input-len", dataset.input_len, "Tokens of each prompt of random.");
  line.add_optional_int("output-len", dataset.output_len, "Tokens to generate for each.");
  line.add_optional_int("random-input-len", words.random_input_len, "Like --input-len.");
  line.add_optional_int("random-output-len", words.random_output_len, "Like --output-len.");
  line.add_optional_int("sharegpt-output-len", words.sharegpt_output_len, "Like --output-len.");
  line.add_optional_int("custom-output-len", words.custom_output_len, "Like --output-len.");
  line.add_number(
      "random-range-ratio",
      dataset.random_range_ratio,
      "Lengths of random lie in [len * (1 - ratio), len * (1 + ratio)]."
  );
  line.add_int("random-prefix-len", dataset.random_prefix_len, "Tokens that all prompts share.");
  line.add_number(
      "trace-time-scale", options.trace_time_scale, "Factor for the times of a trace: 0.5 is fast."
  );
  line.add_int("seed", words.seed, "Seed of prompts and arrivals.");
}

void add_load_options(cli::CommandLine& line, ServeOptions& options, Words& words) {
  line.add_number(
      "request-rate", options.request_rate, "Requests per second on average; inf: all at once."
  );
  line.add_number(
      "burstiness", options.burstiness, "Shape of the gaps' gamma distribution; 1: Poisson."
  );
  line.add_optional_int("max-concurrency", options.max_concurrency, "Requests at once at most.");
  line.add_text(
      "ramp-up-strategy", options.ramp_up_strategy, "linear or exponential: the rate grows."
  );
  line.add_number("ramp-up-start-rps", options.ramp_up_start_rps, "First rate of the ramp-up.");
  line.add_number("ramp-up-end-rps", options.ramp_up_end_rps, "Last rate of the ramp-up.");
  line.add_int("num-warmups", options.num_warmups, "Requests before measuring.");
  line.add_switch("ignore-eos", options.ignore_eos, "Generate all tokens, end of text or not.");
  line.add_switch("stream", options.stream, "Ask for streams; --no-stream: for whole answers.");
  line.add_optional_int("logprobs", options.logprobs, "Log probabilities to ask for.");
  line.add_text("extra-body", options.extra_body, "JSON object added to every request.");
  for (size_t i = 0; i < std::size(kSamplingNames); ++i) {
    line.add_number(kSamplingNames[i], words.sampling[i], "Sent if given, else the server's.");
  }
}

void add_result_options(cli::CommandLine& line, ServeOptions& options, Words& words) {
  line.add_texts(
      "goodput", words.goodput, "Limits in ms that a good request keeps: ttft:200 tpot:50 e2el:900."
  );
  line.add_text(
      "percentile-metrics", words.percentile_metrics, "Of ttft,tpot,itl,e2el; default the first 3."
  );
  line.add_text("metric-percentiles", words.metric_percentiles, "Default 99; commas between.");
  line.add_text("label", options.label, "Stands in the result and its file's name.");
  line.add_texts("metadata", options.metadata, "key=value, stands in the result.");
  line.add_switch("save-result", options.save_result, "Write the result as JSON.");
  line.add_switch("save-detailed", options.save_detailed, "With every request's numbers and text.");
  line.add_switch("append-result", options.append_result, "Add a line to the file.");
  line.add_text("result-dir", options.result_dir, "Folder of the result; default: here.");
  line.add_text("result-filename", options.result_filename, "Default: made of what was measured.");
  line.add_switch("plot-timeline", options.plot_timeline, "Write plots as HTML beside the result.");
  line.add_switch("disable-tqdm", options.disable_tqdm, "Show no progress bar.");
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

double parse_number(const std::string& option, const std::string& text) {
  double value = 0.0;
  cli::parse_value(option, {text}, value);
  return value;
}

GoodputLimit parse_goodput(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string metric = text.substr(0, colon);
  const bool is_known = metric == "ttft" || metric == "tpot" || metric == "e2el";
  if (colon == std::string::npos || !is_known) {
    throw InvalidArgument(
        "--goodput", fmt::format("'{}' is no limit. Write ttft:MS, tpot:MS or e2el:MS.", text)
    );
  }
  const double limit = parse_number("--goodput", text.substr(colon + 1));
  if (!(limit >= 0.0)) throw InvalidArgument("--goodput", "A limit must be at least 0 ms.");
  return {metric, limit};
}

void read_metrics(const Words& words, ServeOptions& options) {
  for (const std::string& text : words.goodput)
    options.goodput.push_back(parse_goodput(text));
  if (words.percentile_metrics) options.percentile_metrics = split(*words.percentile_metrics);
  for (const std::string& metric : options.percentile_metrics) {
    if (std::ranges::find(kMetrics, metric) != std::end(kMetrics)) continue;
    throw InvalidArgument(
        "--percentile-metrics",
        fmt::format("'{}' is not known. Use ttft, tpot, itl, e2el with commas between.", metric)
    );
  }
  if (!words.metric_percentiles) return;
  options.metric_percentiles.clear();
  for (const std::string& text : split(*words.metric_percentiles)) {
    const double percentage = parse_number("--metric-percentiles", text);
    if (!(percentage >= 0.0 && percentage <= 100.0)) {
      throw InvalidArgument("--metric-percentiles", "must be between 0 and 100.");
    }
    options.metric_percentiles.push_back(percentage);
  }
}

void read_sampling(const cli::CommandLine& line, const Words& words, ServeOptions& options) {
  for (size_t i = 0; i < std::size(kSamplingNames); ++i) {
    if (line.was_given(kSamplingNames[i])) {
      options.sampling.emplace_back(kSamplingNames[i], words.sampling[i]);
    }
  }
}

void read_backend(const Words& words, ServeOptions& options) {
  const std::string backend = words.backend.value_or("openai");
  const bool is_chat = backend == "openai-chat";
  if (!is_chat && backend != "openai" && backend != "vllm") {
    throw InvalidArgument(
        "--backend", fmt::format("'{}' is not supported. Use openai or openai-chat.", backend)
    );
  }
  options.backend = backend;
  options.endpoint = words.endpoint.value_or(is_chat ? "/v1/chat/completions" : "/v1/completions");
  if (!options.endpoint.starts_with('/')) {
    throw InvalidArgument("--endpoint", "must begin with /.");
  }
}

// Lengths that are named after a dataset are for that one alone.
void read_lengths(const cli::CommandLine& line, const Words& words, DatasetOptions& dataset) {
  const auto require_dataset = [&](const std::string& option, std::string_view name) {
    if (dataset.name == name) return;
    throw InvalidArgument(option, fmt::format("needs --dataset-name {}.", name));
  };
  if (words.random_input_len) {
    require_dataset("--random-input-len", "random");
    dataset.input_len = words.random_input_len;
  }
  if (dataset.input_len) require_dataset("--input-len", "random");
  if (line.was_given("random-prefix-len")) require_dataset("--random-prefix-len", "random");
  if (line.was_given("random-range-ratio")) require_dataset("--random-range-ratio", "random");
  for (const auto& [name, length] :
       {std::pair("random", words.random_output_len),
        std::pair("sharegpt", words.sharegpt_output_len),
        std::pair("custom", words.custom_output_len)}) {
    if (!length) continue;
    require_dataset(fmt::format("--{}-output-len", name), name);
    dataset.output_len = length;
  }
  if (dataset.output_len && dataset.name == "trace") {
    throw InvalidArgument("--output-len", "A trace has its own lengths. Leave it out.");
  }
  if (dataset.input_len.value_or(1) < 1)
    throw InvalidArgument("--input-len", "must be at least 1.");
  if (dataset.output_len.value_or(1) < 1) {
    throw InvalidArgument("--output-len", "must be at least 1.");
  }
}

void read_dataset(const cli::CommandLine& line, const Words& words, ServeOptions& options) {
  DatasetOptions& dataset = options.dataset;
  dataset.name = words.dataset_name.value_or("random");
  dataset.seed = static_cast<uint64_t>(words.seed);
  if (dataset.name == "trace") {
    if (!dataset.path) throw InvalidArgument("--dataset-path", "A trace needs its file.");
    if (!line.was_given("num-prompts")) dataset.num_prompts = std::numeric_limits<int>::max();
  } else {
    check_dataset_options(dataset);
  }
  read_lengths(line, words, dataset);
}

void check_rates(const cli::CommandLine& line, const ServeOptions& options) {
  const auto require = [](bool is_right, const char* option, const char* what) {
    if (!is_right) throw InvalidArgument(option, what);
  };
  require(options.request_rate > 0.0, "--request-rate", "must be above 0, or inf.");
  require(options.burstiness > 0.0, "--burstiness", "must be above 0.");
  require(options.max_concurrency.value_or(1) >= 1, "--max-concurrency", "must be at least 1.");
  require(options.num_warmups >= 0, "--num-warmups", "must be at least 0.");
  require(options.dataset.num_prompts >= 1, "--num-prompts", "must be at least 1.");
  require(options.trace_time_scale >= 0.0, "--trace-time-scale", "must be at least 0.");
  require(
      options.trace_time_scale == 1.0 || options.dataset.name == "trace",
      "--trace-time-scale",
      "needs --dataset-name trace."
  );
  require(options.client_timeout_sec >= 1, "--client-timeout-sec", "must be at least 1.");
  if (!options.ramp_up_strategy) return;
  const std::string& strategy = *options.ramp_up_strategy;
  require(
      strategy == "linear" || strategy == "exponential",
      "--ramp-up-strategy",
      "must be linear or exponential."
  );
  require(
      !line.was_given("request-rate"), "--request-rate", "is given by the ramp-up: leave it out."
  );
  const double start = options.ramp_up_start_rps;
  require(
      start >= 0.0 && options.ramp_up_end_rps > start,
      "--ramp-up-end-rps",
      "must be above --ramp-up-start-rps, which is at least 0."
  );
  require(
      start > 0.0 || strategy == "linear",
      "--ramp-up-start-rps",
      "must be above 0 for an exponential ramp-up."
  );
}

void check_json(const ServeOptions& options) {
  if (!options.extra_body) return;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(*options.extra_body).get(object) != simdjson::SUCCESS) {
    throw InvalidArgument("--extra-body", "is no JSON object.");
  }
}

void check_pairs(const char* option, const std::vector<std::string>& pairs) {
  for (const std::string& pair : pairs) {
    const bool is_line = pair.find_first_of("\r\n") == std::string::npos;
    if (pair.find('=') != std::string::npos && pair.front() != '=' && is_line) continue;
    throw InvalidArgument(option, fmt::format("'{}' is not of the form name=value.", pair));
  }
}

}  // namespace

std::optional<ServeOptions> parse_serve_options(int argc, char** argv) {
  cli::CommandLine line("bench serve", "Measures an OpenAI server under load.");
  ServeOptions options;
  Words words;
  add_server_options(line, options, words);
  add_dataset_options(line, options, words);
  add_load_options(line, options, words);
  add_result_options(line, options, words);
  if (!line.parse(argc, argv)) return std::nullopt;
  options.host = words.host.value_or(options.host);
  read_backend(words, options);
  read_dataset(line, words, options);
  read_metrics(words, options);
  read_sampling(line, words, options);
  check_rates(line, options);
  check_json(options);
  check_pairs("--header", options.header);
  check_pairs("--metadata", options.metadata);
  return options;
}

}  // namespace quire::bench
