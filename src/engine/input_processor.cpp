#include "engine/input_processor.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"
#include "config/sampling_limits.h"
#include "quire/error.h"

namespace quire {
namespace {

// A bad word is forbidden at the start of the text and inside it, where it follows a space.
std::string_view without_leading_spaces(std::string_view word) {
  const size_t start = word.find_first_not_of(" \t\n\r\f\v");
  return start == std::string_view::npos ? std::string_view() : word.substr(start);
}

std::vector<int32_t> encode_bad_word(const Tokenizer& tokenizer, const std::string& word) {
  std::vector<int32_t> ids;
  try {
    ids = tokenizer.encode(word, false);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument("bad_words", error.what());
  }
  if (ids.empty()) {
    throw InvalidArgument(
        "bad_words",
        fmt::format("The tokenizer has no token for '{}', so it cannot come: leave it out.", word)
    );
  }
  return ids;
}

SamplingParams completion_params(const SamplingParams& params, int index) {
  SamplingParams child = params;
  child.n = 1;
  if (!params.logits_processors.empty())
    child.logits_processors = {params.logits_processors[index]};
  // Wraps around at the largest seed.
  if (child.seed) child.seed = static_cast<int64_t>(static_cast<uint64_t>(*child.seed) + index);
  // All completions have the same prompt: the first one reports its logprobs.
  if (index > 0) child.prompt_logprobs.reset();
  return child;
}

void check_pending_outputs(const SamplingParams& params, int max_pending_outputs) {
  if (max_pending_outputs < 1) {
    throw InvalidArgument(
        "max_pending_outputs",
        fmt::format("max_pending_outputs must be at least 1, got {}.", max_pending_outputs)
    );
  }
  if (max_pending_outputs > 1 && params.output_kind == RequestOutputKind::kCumulative) {
    throw InvalidArgument(
        "max_pending_outputs",
        "Cumulative outputs hold all that has come, so a reader needs the newest alone: leave "
        "max_pending_outputs at 1, or ask for RequestOutputKind::kDelta."
    );
  }
}

}  // namespace

InputProcessor::InputProcessor(
    InputProcessorConfig config, std::shared_ptr<const Tokenizer> tokenizer
)
    : config_(std::move(config)), tokenizer_(std::move(tokenizer)) {}

ProcessedInput InputProcessor::process(
    const Prompt& prompt, SamplingParams params, const AddRequestOptions& options
) {
  const double arrival_time = wall_time();
  if (options.priority != 0 && !config_.has_priorities) {
    throw InvalidArgument(
        "priority",
        fmt::format(
            "Got priority {} but priority scheduling is not enabled. Start the engine with "
            "--scheduling-policy priority, or leave priority out.",
            options.priority
        )
    );
  }
  params.validate();
  check_pending_outputs(params, options.max_pending_outputs);
  check_needs_tokenizer(params);
  check_needs_logits(params);
  check_logits_processors(params);
  const std::vector<int32_t> token_ids = tokenize(prompt);
  check_prompt(token_ids, prompt.token_ids.empty() ? "prompt" : "prompt_token_ids");
  complete_params(params, static_cast<int>(token_ids.size()));

  ProcessedInput input;
  if (!prompt.text.empty()) input.prompt = prompt.text;
  for (int index = 0; index < params.n; ++index) {
    auto request = std::make_unique<Request>();
    request->id = next_id_.fetch_add(1, std::memory_order_relaxed);
    request->group_id = input.requests.empty() ? request->id : input.requests.front()->id;
    request->group_size = params.n;
    request->sampling_params = completion_params(params, index);
    request->priority = options.priority;
    request->arrival_time = arrival_time;
    request->cache_salt = prompt.cache_salt;
    request->token_ids = token_ids;
    request->num_prompt_tokens = static_cast<int>(token_ids.size());
    input.requests.push_back(std::move(request));
  }
  input.params = std::move(params);
  return input;
}

std::vector<int32_t> InputProcessor::tokenize(const Prompt& prompt) const {
  if (!prompt.token_ids.empty() || prompt.text.empty()) {
    if (prompt.token_ids.empty() && tokenizer_) return tokenizer_->encode("");
    return prompt.token_ids;
  }
  if (!tokenizer_) {
    throw InvalidArgument(
        "prompt",
        "The engine was started with skip_tokenizer_init: give prompt_token_ids instead of text."
    );
  }
  try {
    return tokenizer_->encode(prompt.text);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument("prompt", error.what());
  }
}

void InputProcessor::check_prompt(const std::vector<int32_t>& token_ids, const char* field) const {
  if (token_ids.empty()) throw InvalidArgument("prompt", "The decoder prompt cannot be empty");
  for (const int32_t id : token_ids) {
    if (id < 0 || id >= config_.vocab_size) {
      throw InvalidArgument(
          field,
          fmt::format(
              "Token id {} is out of vocabulary: ids go from 0 to {}.", id, config_.vocab_size - 1
          )
      );
    }
  }
  const auto length = static_cast<int64_t>(token_ids.size());
  if (length > config_.max_model_len) {
    throw InvalidArgument(
        field,
        fmt::format(
            "The decoder prompt (length {}) is longer than the maximum model length of {}. Make "
            "sure "
            "that `max_model_len` is no smaller than the number of text tokens.",
            length,
            config_.max_model_len
        )
    );
  }
  if (length == config_.max_model_len) {
    throw InvalidArgument(
        field,
        fmt::format(
            "The decoder prompt (length {}) plus the number of requested output tokens (at least "
            "1) "
            "is longer than the maximum model length of {}. Make sure that `max_model_len` is no "
            "smaller than the number of text tokens (prompt + requested output tokens).",
            length,
            config_.max_model_len
        )
    );
  }
}

void InputProcessor::check_needs_tokenizer(const SamplingParams& params) const {
  if (tokenizer_) return;
  const char* hint = " need a tokenizer, and the engine was started with skip_tokenizer_init.";
  if (!params.stop.empty()) {
    throw InvalidArgument("stop", fmt::format("stop strings{} Use stop_token_ids.", hint));
  }
  if (!params.bad_words.empty()) {
    throw InvalidArgument("bad_words", fmt::format("bad_words{} Use logit_bias.", hint));
  }
}

void InputProcessor::check_needs_logits(const SamplingParams& params) const {
  if (config_.has_logits) return;
  const char* field = params.logprobs                     ? "logprobs"
                      : params.prompt_logprobs            ? "prompt_logprobs"
                      : params.logprob_token_ids          ? "logprob_token_ids"
                      : !params.logits_processors.empty() ? "logits_processors"
                                                          : nullptr;
  if (!field) return;
  throw InvalidArgument(
      field,
      fmt::format("--load-format null computes no logits: leave {} out, or load the model.", field)
  );
}

void InputProcessor::check_logits_processors(const SamplingParams& params) const {
  const auto& processors = params.logits_processors;
  const bool has_null = std::ranges::any_of(processors, [](const auto& p) { return p == nullptr; });
  if (processors.empty()) return;
  if (!has_null && processors.size() == static_cast<size_t>(params.n)) return;
  throw InvalidArgument(
      "logits_processors",
      fmt::format(
          "logits_processors must have one for each of the n={} completions, got {}.",
          params.n,
          has_null ? "a null pointer" : fmt::to_string(processors.size())
      )
  );
}

void InputProcessor::complete_params(SamplingParams& params, int num_prompt_tokens) const {
  tokenize_bad_words(params);
  check_sampling_limits(params, {config_.vocab_size, config_.max_logprobs});
  add_eos_token_ids(params);
  const int room = config_.max_model_len - num_prompt_tokens;
  params.max_tokens = std::min(params.max_tokens.value_or(room), room);
  // What the room does not hold cannot be asked for.
  params.min_tokens = std::min(params.min_tokens, *params.max_tokens);
}

// Ids outside the model's vocabulary are left out: the model never gives them, and the sampler's
// rows have no place for them.
void InputProcessor::add_eos_token_ids(SamplingParams& params) const {
  const auto in_vocabulary = [&](int32_t id) { return id >= 0 && id < config_.vocab_size; };
  params.eos_token_id.reset();
  if (tokenizer_) {
    params.eos_token_id = tokenizer_->eos_token_id();
  } else if (!config_.eos_token_ids.empty()) {
    params.eos_token_id = config_.eos_token_ids.front();
  }
  if (params.eos_token_id && !in_vocabulary(*params.eos_token_id)) params.eos_token_id.reset();
  if (params.ignore_eos) return;
  for (const int32_t id : config_.eos_token_ids) {
    if (id == params.eos_token_id || !in_vocabulary(id)) continue;
    auto& stop_ids = params.stop_token_ids;
    if (std::find(stop_ids.begin(), stop_ids.end(), id) == stop_ids.end()) stop_ids.push_back(id);
  }
}

void InputProcessor::tokenize_bad_words(SamplingParams& params) const {
  params.bad_words_token_ids.clear();
  for (const std::string& bad_word : params.bad_words) {
    const std::string word(without_leading_spaces(bad_word));
    if (word.empty()) {
      throw InvalidArgument("bad_words", "bad_words cannot contain a word of nothing but spaces.");
    }
    std::vector<int32_t> plain = encode_bad_word(*tokenizer_, word);
    std::vector<int32_t> spaced = encode_bad_word(*tokenizer_, " " + word);
    // The spaced form is another word only where the space became part of its first token.
    const bool is_other_word = spaced.size() == plain.size() && spaced.front() != plain.front();
    params.bad_words_token_ids.push_back(std::move(plain));
    if (is_other_word) params.bad_words_token_ids.push_back(std::move(spaced));
  }
}

}  // namespace quire
