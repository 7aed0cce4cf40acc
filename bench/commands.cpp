#include "bench/commands.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "bench/benchmarks.h"
#include "bench/output_file.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

struct Benchmark {
  const char* name;
  int (*run)(int argc, char** argv);
  const char* help;
};

constexpr std::array kBenchmarks = {
    Benchmark{"compare-engines", run_compare_engines, "V0 and V1 on the same requests."},
    Benchmark{"engine-overhead", run_engine_overhead, "What the engine itself costs in a step."},
    Benchmark{"latency", run_latency, "How long one batch of requests takes."},
    Benchmark{"replay-trace", run_replay_trace, "Prefix cache hits of a trace of prompts."},
    Benchmark{"serve", run_serve, "An OpenAI server under load."},
    Benchmark{"soak", run_soak_command, "A server under requests of every kind, checked."},
    Benchmark{"throughput", run_throughput, "Requests and tokens per second of many requests."},
};

std::string help() {
  std::string text =
      "Measures the engine in this process, or a server.\n\nUsage: quire bench BENCHMARK "
      "[OPTIONS]\n\n";
  for (const Benchmark& benchmark : kBenchmarks) {
    text += fmt::format("  {:<17}{}\n", benchmark.name, benchmark.help);
  }
  return text;
}

[[noreturn]] void fail_unknown(std::string_view name) {
  std::vector<std::string> known;
  for (const Benchmark& benchmark : kBenchmarks)
    known.emplace_back(benchmark.name);
  throw InvalidArgument(
      std::string(name),
      fmt::format(
          "quire bench has no such benchmark.{} See quire bench --help.",
          cli::did_you_mean(name, known)
      )
  );
}

}  // namespace

EngineConfig engine_config(const cli::CommandLine& command_line) {
  EngineConfig config = command_line.engine_config();
  if (!command_line.was_given("disable_log_stats")) config.disable_log_stats = true;
  return config;
}

void check_json_path(const std::optional<std::string>& path) {
  if (path) check_output_file("--output-json", *path);
}

void write_json(const std::string& path, const std::string& json) {
  write_file(path, json + '\n');
}

}  // namespace quire::bench

int run_bench(int argc, char** argv) {
  using namespace quire::bench;
  const std::string_view name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h") {
    quire::cli::print(help());
    return 0;
  }
  for (const Benchmark& benchmark : kBenchmarks) {
    if (name == benchmark.name) return benchmark.run(argc - 1, argv + 1);
  }
  fail_unknown(name);
}
