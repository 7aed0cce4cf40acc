#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/async_engine.h"
#include "quire/tokenizer.h"

namespace quire::bench {

// One request to measure with.
struct SampleRequest {
  Prompt prompt;
  int num_prompt_tokens = 0;
  int num_output_tokens = 0;  // to generate, end of text or not
};

// Names and defaults are vLLM's.
struct DatasetOptions {
  std::string name = "random";  // random, sharegpt, custom
  std::optional<std::string> path;  // of sharegpt (a JSON list) and custom (JSON lines)
  int num_prompts = 1000;
  std::optional<int> input_len;  // tokens; random only, default 1024
  std::optional<int> output_len;  // tokens; random: default 128; others: what the data say
  double random_range_ratio = 0.0;  // lengths lie in [len * (1 - ratio), len * (1 + ratio)]
  int random_prefix_len = 0;  // tokens that all prompts share, before input_len others
  uint64_t seed = 0;
};

// What needs no engine: unknown names, a path without a dataset that reads it, lengths out of
// range. Throws InvalidArgument, or EnvironmentError for a file that cannot be read.
void check_dataset_options(const DatasetOptions& options);

// What requests are made for.
struct PromptSource {
  std::shared_ptr<const Tokenizer> tokenizer;  // nullptr: none, which text needs
  int vocab_size = 0;
  int max_model_len = std::numeric_limits<int>::max();  // tokens
};
PromptSource prompt_source(const AsyncEngine& engine);

// Throws InvalidArgument: unknown names, files that are no such data, or too few usable prompts.
std::vector<SampleRequest> make_requests(const DatasetOptions& options, const PromptSource& source);

// Token ids that are ordinary text.
std::vector<int32_t> plain_token_ids(const PromptSource& source);

}  // namespace quire::bench
