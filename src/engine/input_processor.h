#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/request.h"
#include "quire/async_engine.h"
#include "quire/tokenizer.h"

namespace quire {

struct InputProcessorConfig {
  int max_model_len = 0;
  int vocab_size = 0;
  int max_logprobs = 20;  // -1: no limit
  std::vector<int32_t> eos_token_ids;  // of the model; the tokenizer has one of its own
  bool has_priorities = false;  // --scheduling-policy priority
  bool has_logits = true;  // not with --load-format null
};

// A prompt that passed every check.
struct ProcessedInput {
  std::optional<std::string> prompt;  // the text, if there was one
  SamplingParams params;  // completed; n as the user gave it
  std::vector<std::unique_ptr<Request>> requests;  // [n], one per completion
};

// Turns what a user asks for into requests of the engine core: checks, tokenizes, completes the
// sampling params. May be called from many threads.
class InputProcessor {
 public:
  // `tokenizer` may be nullptr: then prompts are token ids and nothing that needs text is accepted.
  InputProcessor(InputProcessorConfig config, std::shared_ptr<const Tokenizer> tokenizer);

  // Throws InvalidArgument with the field's name.
  ProcessedInput process(
      const Prompt& prompt, SamplingParams params, const AddRequestOptions& options
  );

 private:
  std::vector<int32_t> tokenize(const Prompt& prompt) const;
  void check_prompt(const std::vector<int32_t>& token_ids, const char* field) const;
  void check_needs_tokenizer(const SamplingParams& params) const;
  void check_needs_logits(const SamplingParams& params) const;
  void check_logits_processors(const SamplingParams& params) const;
  void complete_params(SamplingParams& params, int num_prompt_tokens) const;
  void add_eos_token_ids(SamplingParams& params) const;
  void tokenize_bad_words(SamplingParams& params) const;

  InputProcessorConfig config_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::atomic<RequestId> next_id_{1};
};

}  // namespace quire
