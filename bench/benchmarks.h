#pragma once

#include <optional>
#include <string>

#include "cli/command_line.h"

// The benchmarks of `quire bench`; argv[0] is the benchmark's name.
namespace quire::bench {

int run_compare_engines(int argc, char** argv);
int run_engine_overhead(int argc, char** argv);
int run_latency(int argc, char** argv);
int run_replay_trace(int argc, char** argv);
int run_serve(int argc, char** argv);
int run_soak_command(int argc, char** argv);
int run_throughput(int argc, char** argv);

// The engine's options; its log lines are off unless asked for, because they would disturb.
EngineConfig engine_config(const cli::CommandLine& command_line);

// Before the work begins: throws EnvironmentError if --output-json names a file that cannot be
// written. What the file holds stays.
void check_json_path(const std::optional<std::string>& path);
// Writes one JSON object to the file that --output-json names. Throws EnvironmentError.
void write_json(const std::string& path, const std::string& json);

}  // namespace quire::bench
