#pragma once

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/dataset.h"
#include "cli/command_line.h"

// `quire bench serve`: an OpenAI server under load.
namespace quire::bench {

// A limit on one of ttft, tpot, e2el: requests under all of them count as goodput.
struct GoodputLimit {
  std::string metric;
  double milliseconds = 0.0;
};

// Names and defaults are vLLM's; what has none there says so.
struct ServeOptions {
  std::string backend = "openai";  // openai, openai-chat
  std::optional<std::string> base_url;  // wins over host and port
  std::string host = "127.0.0.1";
  int port = 8000;
  std::string endpoint;  // default: by backend
  std::optional<std::string> api_key;  // ours; also OPENAI_API_KEY
  std::vector<std::string> header;  // name=value
  std::optional<std::string> model;  // default: the first of /v1/models
  std::optional<std::string> served_model_name;
  std::optional<std::string> tokenizer;  // default: `model` or what the server calls its root

  DatasetOptions dataset;  // name may also be "trace"
  double trace_time_scale = 1.0;  // ours: 0.5 replays twice as fast
  double request_rate = std::numeric_limits<double>::infinity();  // per second; infinite: at once
  double burstiness = 1.0;  // shape of the gamma distribution of gaps; 1: Poisson
  std::optional<int> max_concurrency;
  std::optional<std::string> ramp_up_strategy;  // linear, exponential
  double ramp_up_start_rps = 0.0;
  double ramp_up_end_rps = 0.0;
  int num_warmups = 0;
  bool ignore_eos = false;
  bool stream = true;  // ours: --no-stream asks for whole answers
  std::optional<int> logprobs;
  std::vector<std::pair<std::string, double>>
      sampling;  // parameters to send: those that were given
  std::optional<std::string> extra_body;  // JSON object that is added to every request

  std::vector<GoodputLimit> goodput;
  std::vector<std::string> percentile_metrics = {"ttft", "tpot", "itl"};
  std::vector<double> metric_percentiles = {99.0};
  std::optional<std::string> label;
  std::vector<std::string> metadata;  // key=value
  bool save_result = false;
  bool save_detailed = false;
  bool append_result = false;
  std::optional<std::string> result_dir;
  std::optional<std::string> result_filename;
  bool plot_timeline = false;
  bool disable_tqdm = false;
  int ready_check_timeout_sec = 0;
  int client_timeout_sec = 6 * 60 * 60;  // ours: without a byte of any answer

  bool is_chat() const { return backend == "openai-chat"; }
};

// nullopt: --help was asked for and printed. Throws InvalidArgument.
std::optional<ServeOptions> parse_serve_options(int argc, char** argv);

}  // namespace quire::bench
