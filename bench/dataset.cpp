#include "bench/dataset.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <simdjson.h>

#include "quire/error.h"
#include "quire/tokenizer.h"

namespace quire::bench {
namespace {

constexpr int kDefaultInputLen = 1024;
constexpr int kDefaultOutputLen = 128;
// vLLM's filter of ShareGPT conversations, in tokens.
constexpr int kMinLen = 4;
constexpr int kMaxPromptLen = 1024;
constexpr int kMaxTotalLen = 2048;

using simdjson::dom::element;

std::vector<SampleRequest> make_random(const DatasetOptions& options, const PromptSource& source) {
  const double ratio = options.random_range_ratio;
  std::mt19937_64 random(options.seed);
  const std::vector<int32_t> ids = plain_token_ids(source);
  std::uniform_int_distribution<size_t> pick(0, ids.size() - 1);
  const auto draw_len = [&](int len) {
    const int low = std::max(1, static_cast<int>(std::floor(len * (1.0 - ratio))));
    const int high = std::max(low, static_cast<int>(std::ceil(len * (1.0 + ratio))));
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  std::vector<int32_t> prefix(options.random_prefix_len);
  for (int32_t& id : prefix)
    id = ids[pick(random)];
  std::vector<SampleRequest> requests(options.num_prompts);
  for (SampleRequest& request : requests) {
    request.prompt.token_ids = prefix;
    const int input_len = draw_len(options.input_len.value_or(kDefaultInputLen));
    for (int i = 0; i < input_len; ++i)
      request.prompt.token_ids.push_back(ids[pick(random)]);
    request.num_prompt_tokens = static_cast<int>(request.prompt.token_ids.size());
    request.num_output_tokens = draw_len(options.output_len.value_or(kDefaultOutputLen));
  }
  return requests;
}

const Tokenizer& required_tokenizer(const PromptSource& source) {
  if (source.tokenizer) return *source.tokenizer;
  throw InvalidArgument("--skip-tokenizer-init", "This dataset is text: it needs the tokenizer.");
}

int count_tokens(const Tokenizer& tokenizer, std::string_view text) {
  return static_cast<int>(tokenizer.encode(text).size());
}

// The first two turns of a conversation: what was asked, and how long the answer was.
std::optional<SampleRequest> read_conversation(
    element entry, const Tokenizer& tokenizer, std::optional<int> output_len
) {
  simdjson::dom::array turns;
  if (entry["conversations"].get(turns) != simdjson::SUCCESS || turns.size() < 2) return {};
  std::string_view question;
  std::string_view answer;
  if (turns.at(0)["value"].get(question) != simdjson::SUCCESS) return {};
  if (turns.at(1)["value"].get(answer) != simdjson::SUCCESS) return {};
  SampleRequest request;
  request.prompt.text = question;
  request.num_prompt_tokens = count_tokens(tokenizer, question);
  request.num_output_tokens = output_len ? *output_len : count_tokens(tokenizer, answer);
  const bool is_short =
      request.num_prompt_tokens < kMinLen || (!output_len && request.num_output_tokens < kMinLen);
  const bool is_long = request.num_prompt_tokens > kMaxPromptLen ||
                       request.num_prompt_tokens + request.num_output_tokens > kMaxTotalLen;
  if (is_short || is_long) return {};
  return request;
}

std::vector<SampleRequest> read_sharegpt(
    const DatasetOptions& options, const PromptSource& source
) {
  simdjson::dom::parser parser;
  simdjson::dom::array entries;
  const std::string& path = *options.path;
  if (const auto error = parser.load(path).get(entries)) {
    throw InvalidArgument(
        "--dataset-path",
        fmt::format("{} is no JSON list: {}.", path, simdjson::error_message(error))
    );
  }
  std::vector<element> shuffled(entries.begin(), entries.end());
  std::mt19937_64 random(options.seed);
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  std::vector<SampleRequest> requests;
  const Tokenizer& tokenizer = required_tokenizer(source);
  for (const element entry : shuffled) {
    if (requests.size() == static_cast<size_t>(options.num_prompts)) break;
    auto request = read_conversation(entry, tokenizer, options.output_len);
    if (request && request->num_prompt_tokens + request->num_output_tokens <= source.max_model_len)
      requests.push_back(std::move(*request));
  }
  return requests;
}

// JSON lines with `prompt` and, unless --output-len is given, `output_tokens`.
std::vector<SampleRequest> read_custom(const DatasetOptions& options, const PromptSource& source) {
  const std::string& path = *options.path;
  std::ifstream file(path);
  const Tokenizer& tokenizer = required_tokenizer(source);
  simdjson::dom::parser parser;
  std::vector<SampleRequest> requests;
  for (std::string line; std::getline(file, line);) {
    if (requests.size() == static_cast<size_t>(options.num_prompts)) break;
    if (line.empty()) continue;
    element entry;
    std::string_view text;
    if (parser.parse(line).get(entry) || entry["prompt"].get(text)) {
      throw InvalidArgument(
          "--dataset-path", fmt::format("{}: a line is no JSON object with a prompt.", path)
      );
    }
    int64_t num_output_tokens = 0;
    if (options.output_len || entry["output_tokens"].get(num_output_tokens)) {
      num_output_tokens = options.output_len.value_or(kDefaultOutputLen);
    }
    SampleRequest& request = requests.emplace_back();
    request.prompt.text = text;
    request.num_prompt_tokens = count_tokens(tokenizer, text);
    request.num_output_tokens = static_cast<int>(num_output_tokens);
  }
  return requests;
}

void check_path(const DatasetOptions& options) {
  if (options.name == "random") {
    if (!options.path) return;
    throw InvalidArgument(
        "--dataset-path",
        "random data come from no file. Say what the file holds: --dataset-name sharegpt or custom."
    );
  }
  if (!options.path) {
    throw InvalidArgument(
        "--dataset-path",
        fmt::format("--dataset-name {} needs the file with the data.", options.name)
    );
  }
  if (!std::filesystem::is_directory(*options.path) && std::ifstream(*options.path)) return;
  throw EnvironmentError("--dataset-path: cannot read " + *options.path + ".");
}

void check_lengths(const DatasetOptions& options) {
  const auto require_positive = [](const char* option, int value) {
    if (value < 1) throw InvalidArgument(option, fmt::format("must be at least 1, got {}.", value));
  };
  require_positive("--num-prompts", options.num_prompts);
  require_positive("--input-len", options.input_len.value_or(1));
  require_positive("--output-len", options.output_len.value_or(1));
  if (options.random_prefix_len < 0) {
    throw InvalidArgument("--random-prefix-len", "must be at least 0.");
  }
  const double ratio = options.random_range_ratio;
  if (!(ratio >= 0.0 && ratio < 1.0)) {
    throw InvalidArgument("--random-range-ratio", fmt::format("must be in [0, 1), got {}.", ratio));
  }
}

// The longest request of random data.
void check_fits(const DatasetOptions& options, const PromptSource& source) {
  const int64_t longest = int64_t{options.random_prefix_len} +
                          options.input_len.value_or(kDefaultInputLen) +
                          options.output_len.value_or(kDefaultOutputLen);
  const double with_ratio = static_cast<double>(longest) * (1.0 + options.random_range_ratio);
  if (with_ratio <= source.max_model_len) return;
  throw InvalidArgument(
      "--input-len",
      fmt::format(
          "Prompt and output have up to {:.0f} tokens, more than the model's {}. Lower --input-len "
          "or "
          "--output-len.",
          with_ratio,
          source.max_model_len
      )
  );
}

}  // namespace

PromptSource prompt_source(const AsyncEngine& engine) {
  return {engine.tokenizer(), engine.vocab_size(), engine.max_model_len()};
}

std::vector<int32_t> plain_token_ids(const PromptSource& source) {
  const Tokenizer* tokenizer = source.tokenizer.get();
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < source.vocab_size; ++id) {
    const bool is_plain =
        !tokenizer || (id < tokenizer->vocab_size() && !tokenizer->is_special(id));
    if (is_plain) ids.push_back(id);
  }
  return ids;
}

void check_dataset_options(const DatasetOptions& options) {
  if (options.name != "random" && options.name != "sharegpt" && options.name != "custom") {
    throw InvalidArgument(
        "--dataset-name",
        fmt::format("'{}' is not supported. Use random, sharegpt or custom.", options.name)
    );
  }
  check_path(options);
  check_lengths(options);
}

std::vector<SampleRequest> make_requests(
    const DatasetOptions& options, const PromptSource& source
) {
  check_dataset_options(options);
  if (options.name == "random") {
    check_fits(options, source);
    return make_random(options, source);
  }
  std::vector<SampleRequest> requests =
      options.name == "sharegpt" ? read_sharegpt(options, source) : read_custom(options, source);
  if (requests.size() < static_cast<size_t>(options.num_prompts)) {
    throw InvalidArgument(
        "--num-prompts",
        fmt::format(
            "The file has {} usable prompts, fewer than {}.", requests.size(), options.num_prompts
        )
    );
  }
  return requests;
}

}  // namespace quire::bench
