// How near decoding comes to what the machine can do: tokens per second at several batch sizes,
// beside the read bandwidth and the multiply-add peak of the same process. All are measured in
// turn, round after round, and medians and ranges are reported.
// Usage: quire_decode_bench [MODEL_DIR] [--rounds N] [--output-json FILE]

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/thread_pool.h"
#include "bench/peaks.h"
#include "config/model_config.h"
#include "quire/error.h"
#include "quire/llm.h"

namespace quire::bench {
namespace {

constexpr int kPromptTokens = 32;
constexpr int kOutputTokens = 256;
constexpr int kBatchSizes[] = {1, 8, 64};
constexpr int kNumBlocks = 2048;  // more than the largest batch takes

// Weights that every decoded token reads and multiplies: all linear layers and the head.
int64_t num_linear_weights(const ModelConfig& model) {
  const int64_t hidden = model.hidden_size;
  const int64_t q = static_cast<int64_t>(model.num_attention_heads) * model.head_dim;
  const int64_t kv = static_cast<int64_t>(model.num_key_value_heads) * model.head_dim;
  const int64_t attention = hidden * (q + 2 * kv) + q * hidden;
  const int64_t mlp = 3 * hidden * model.intermediate_size;
  return model.num_hidden_layers * (attention + mlp) + hidden * model.vocab_size;
}

struct Samples {
  std::vector<double> values;
  void add(double value) { values.push_back(value); }
  double at(double share) const {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
  }
  double median() const { return at(0.5); }
  std::string range(double unit) const {
    return fmt::format("{:.1f} ({:.1f}–{:.1f})", median() / unit, at(0) / unit, at(1) / unit);
  }
};

// Tokens per second of all requests together, prefill left out: from the last first token to the
// first end, when all of them decode.
double decode_rate(LLM& llm, int batch_size, int vocab_size) {
  std::vector<Prompt> prompts(batch_size);
  for (int i = 0; i < batch_size; ++i) {
    for (int t = 0; t < kPromptTokens; ++t) {
      prompts[i].token_ids.push_back(16 + (i * 977 + t * 31) % (vocab_size - 16));
    }
  }
  SamplingParams params;
  params.temperature = 0.0;
  params.max_tokens = kOutputTokens;
  params.ignore_eos = true;
  params.detokenize = false;
  const auto outputs = llm.generate(prompts, std::span(&params, 1), {.use_tqdm = false});
  double start = 0.0;
  double end = 1e300;
  for (const RequestOutput& output : outputs) {
    start = std::max(start, output.metrics.first_token_time.value());
    end = std::min(end, output.metrics.finished_time.value());
  }
  return batch_size * (kOutputTokens - 1) / (end - start);
}

struct Result {
  Samples bandwidth;  // bytes per second at the footprint of the weights
  Samples fma;  // operations per second
  Samples rate[std::size(kBatchSizes)];
  Samples bandwidth_share[std::size(kBatchSizes)];  // of the same round
  Samples fma_share[std::size(kBatchSizes)];
};

// Each limit stands beside the batch sizes that it bounds: the clock of the cores drifts within
// seconds, above all behind a load of multiply-adds.
void measure_round(LLM& llm, const ModelConfig& model, ThreadPool& pool, Result& result) {
  const auto weights = static_cast<double>(num_linear_weights(model));
  const double weight_bytes = 2 * weights;
  double rates[std::size(kBatchSizes)];
  const double bandwidth = read_bandwidth(pool, static_cast<size_t>(weight_bytes));
  for (size_t i = 0; i < std::size(kBatchSizes); ++i) {
    rates[i] = decode_rate(llm, kBatchSizes[i], model.vocab_size);
  }
  const double fma = fma_peak(pool);
  result.bandwidth.add(bandwidth);
  result.fma.add(fma);
  for (size_t i = 0; i < std::size(kBatchSizes); ++i) {
    result.rate[i].add(rates[i]);
    result.bandwidth_share[i].add(rates[i] / kBatchSizes[i] * weight_bytes / bandwidth);
    result.fma_share[i].add(rates[i] * 2 * weights / fma);
  }
}

void print_table(const ModelConfig& model, const Result& result) {
  fmt::print(
      "weights read per step: {:.1f} MB (bfloat16)\n"
      "read bandwidth at that footprint: {} GB/s\nfloat32 multiply-add peak: {} GFLOP/s\n\n",
      2e-6 * static_cast<double>(num_linear_weights(model)),
      result.bandwidth.range(1e9),
      result.fma.range(1e9)
  );
  fmt::print("| requests | tokens/s | of the bandwidth, % | of the multiply-add peak, % |\n");
  fmt::print("|---|---|---|---|\n");
  for (size_t i = 0; i < std::size(kBatchSizes); ++i) {
    fmt::print(
        "| {} | {} | {} | {} |\n",
        kBatchSizes[i],
        result.rate[i].range(1),
        result.bandwidth_share[i].range(0.01),
        result.fma_share[i].range(0.01)
    );
  }
}

void write_samples(JsonWriter& json, const char* name, const Samples& samples) {
  json.key(name).begin_object();
  json.field("median", samples.median()).field("min", samples.at(0)).field("max", samples.at(1));
  json.end_object();
}

std::string to_json(const Result& result) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_samples(json, "read_bandwidth_bytes_per_second", result.bandwidth);
  write_samples(json, "fma_peak_flops_per_second", result.fma);
  json.key("results").begin_array();
  for (size_t i = 0; i < std::size(kBatchSizes); ++i) {
    json.begin_object().field("num_requests", kBatchSizes[i]);
    write_samples(json, "tokens_per_second", result.rate[i]);
    write_samples(json, "share_of_read_bandwidth", result.bandwidth_share[i]);
    write_samples(json, "share_of_fma_peak", result.fma_share[i]);
    json.end_object();
  }
  json.end_array().end_object();
  return out + "\n";
}

struct Arguments {
  std::string model = "models/small-chat";
  int rounds = 5;
  std::string output_json;
};

Arguments parse(const std::vector<std::string>& args) {
  Arguments parsed;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--rounds" && i + 1 < args.size()) {
      parsed.rounds = std::stoi(args[++i]);
    } else if (args[i] == "--output-json" && i + 1 < args.size()) {
      parsed.output_json = args[++i];
    } else {
      parsed.model = args[i];
    }
  }
  return parsed;
}

int run(const Arguments& arguments) {
  std::ofstream output;
  if (!arguments.output_json.empty()) {
    output.open(arguments.output_json);
    if (!output) throw EnvironmentError("Cannot write " + arguments.output_json + ".");
  }
  EngineConfig config;
  config.model = arguments.model;
  config.use_tqdm_on_load = false;
  config.skip_tokenizer_init = true;
  config.enable_prefix_caching = false;
  config.num_gpu_blocks_override = kNumBlocks;
  config.kv_cache_population = "eager";  // page faults belong to the first minute of a process
  LLM llm(config);
  ThreadPool pool(available_cpus());
  const ModelConfig model = load_model_config(arguments.model);
  Result result;
  decode_rate(llm, 8, model.vocab_size);  // warm up
  for (int round = 0; round < arguments.rounds; ++round) {
    measure_round(llm, model, pool, result);
  }
  print_table(model, result);
  if (output.is_open()) output << to_json(result);
  return 0;
}

}  // namespace
}  // namespace quire::bench

int main(int argc, char** argv) {
  try {
    return quire::bench::run(quire::bench::parse({argv + 1, argv + argc}));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
