#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quire/api.h"
#include "quire/async_engine.h"
#include "quire/chat_template.h"

namespace QUIRE_API quire {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant", "tool"
  std::string content;  // UTF-8
};

struct GenerateOptions {
  bool use_tqdm = true;  // progress bar on stderr, when that is a terminal
  std::vector<int> priorities;  // one per prompt, or empty
  // Called now and then while the call waits; what it throws ends the call and aborts its requests.
  std::function<void()> poll;
};

struct ChatOptions {
  bool use_tqdm = true;  // progress bar on stderr, when that is a terminal
  bool add_generation_prompt = true;  // end with the beginning of an answer
  // The model goes on with the last message instead; needs add_generation_prompt = false.
  bool continue_final_message = false;
  std::string tools_json;  // a JSON array, which the template shows as `tools`; empty: none
  std::string chat_template_kwargs_json;  // a JSON object: more variables of the template; or empty
  const ChatTemplate* chat_template = nullptr;  // instead of the engine's
  std::optional<ContentFormat> content_format;  // default: what the template wants
  bool add_special_tokens = false;  // those of the tokenizer, beside what the template writes
};

struct BeamSearchSequence {
  std::vector<int32_t> token_ids;  // prompt and output
  std::string text;  // of the output
  double cumulative_logprob = 0.0;
  std::optional<FinishReason> finish_reason;  // kStop: end of text; kLength: max_tokens
};

// A JSON object for ChatTemplate::render and AsyncEngine::render_chat. Throws InvalidArgument for
// options that are no JSON ("tools", "chat_template_kwargs") and texts that are not UTF-8
// ("messages").
std::string chat_context_json(
    std::span<const ChatMessage> messages,
    const ChatOptions& options = {},
    ContentFormat format = ContentFormat::kString
);

// Offline inference: prompts in, completions out, in the order of the prompts. All methods throw
// InvalidArgument with the field's name for what the model cannot serve, and InternalError when the
// engine was shut down or has died.
class LLM {
 public:
  // Loads the model. Throws InvalidArgument (bad option or file) or EnvironmentError.
  explicit LLM(const EngineConfig& config);
  explicit LLM(std::unique_ptr<AsyncEngine> engine);
  ~LLM();

  // One params for all prompts, or one per prompt. If one prompt is refused, all are: the error is
  // thrown and what already ran is aborted. An output whose request failed later has `error` set.
  std::vector<RequestOutput> generate(
      std::span<const Prompt> prompts,
      std::span<const SamplingParams> params,
      const GenerateOptions& options = {}
  );
  std::vector<RequestOutput> generate(
      const std::vector<std::string>& prompts, const SamplingParams& params
  );

  // The same in two calls: enqueue() adds requests and gives their ids, wait_for_completion() the
  // outputs of all that were enqueued since the last one, in that order. options.poll: as above.
  std::vector<std::string> enqueue(
      std::span<const Prompt> prompts,
      std::span<const SamplingParams> params,
      const std::vector<int>& priorities = {}
  );
  std::vector<RequestOutput> wait_for_completion(const GenerateOptions& options = {});

  // One conversation each, rendered with the model's chat template; otherwise like generate().
  // Throws InvalidArgument "messages" for an empty conversation, "chat_template" when the model has
  // none.
  std::vector<RequestOutput> chat(
      std::span<const std::vector<ChatMessage>> conversations,
      std::span<const SamplingParams> params,
      const ChatOptions& options = {}
  );

  // The beam_width likeliest completions of each prompt, best first. Throws InvalidArgument
  // "beam_width" when twice as many are more than the engine's max_logprobs. poll: as in
  // GenerateOptions.
  std::vector<std::vector<BeamSearchSequence>> beam_search(
      std::span<const Prompt> prompts,
      const BeamSearchParams& params,
      const std::function<void()>& poll = {}
  );

  // As AsyncEngine's.
  [[nodiscard]] bool reset_prefix_cache(bool reset_running_requests = false);
  SamplingParams default_sampling_params() const;
  AsyncEngine& engine();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
