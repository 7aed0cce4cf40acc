#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/engine_config.h"
#include "quire/tokenizer.h"

namespace quire::bench {

struct WorkloadRequest {
  double arrival =
      0.0;  // seconds after the start; of a later turn: after the end of the one before
  // Of a later turn: what follows the conversation so far.
  std::vector<int32_t> token_ids;
  int num_output_tokens = 0;  // all are generated, end of text or not
  std::optional<int> previous_turn;  // index of the request before it in the conversation
};

// The same requests for two engines that differ in their options.
struct Workload {
  std::string name;
  std::string description;  // Markdown: what arrives, and what to look for
  std::string baseline_name;
  std::string candidate_name;
  EngineConfig baseline;
  EngineConfig candidate;
  std::vector<WorkloadRequest> requests;
  std::shared_ptr<const std::filesystem::path> model_dir;  // of a made-up model; else nullptr
  bool is_streamed = true;  // a reader waits for each token; false: for the end alone
};

struct WorkloadOptions {
  EngineConfig engine;  // what both engines are to have in common
  double scale = 1.0;  // of the number of requests
  std::string trace;  // of the workload "bursty"
};

// In the order in which `all` runs them.
std::vector<std::string> workload_names();

// Throws InvalidArgument for an unknown name.
void check_workload_name(const std::string& name);

// Throws InvalidArgument for an unknown name or a model that the workload does not fit, and as
// loading a model does.
Workload make_workload(const std::string& name, const WorkloadOptions& options);

}  // namespace quire::bench
