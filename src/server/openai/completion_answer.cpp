#include "server/openai/completion_answer.h"

#include <utility>
#include <vector>

#include "server/openai/events.h"

namespace quire::server {
namespace {

// Only token ids were given, so the engine knows no text.
std::string prompt_text(const CompletionShape& shape, const RequestOutput& output) {
  if (output.prompt) return *output.prompt;
  return shape.texts.tokenizer ? shape.texts.tokenizer->decode(output.prompt_token_ids)
                               : std::string();
}

// Tokens and logprobs of one choice, with those of the prompt if it is echoed.
struct ShownTokens {
  std::vector<int32_t> token_ids;
  std::vector<PositionLogprobs> logprobs;
};

ShownTokens shown_tokens(
    const CompletionShape& shape, const RequestOutput& output, const CompletionOutput& completion
) {
  ShownTokens shown;
  if (shape.has_echo) {
    shown.token_ids = output.prompt_token_ids;
    if (output.prompt_logprobs) shown.logprobs = *output.prompt_logprobs;
  }
  if (shape.is_prompt_only) return shown;
  const auto& ids = completion.token_ids;
  shown.token_ids.insert(shown.token_ids.end(), ids.begin(), ids.end());
  if (completion.logprobs) {
    const auto& own = *completion.logprobs;
    shown.logprobs.insert(shown.logprobs.end(), own.begin(), own.end());
  }
  return shown;
}

void write_choice(
    JsonWriter& writer,
    const CompletionShape& shape,
    int index,
    const RequestOutput& output,
    const CompletionOutput& completion
) {
  std::string text = shape.has_echo ? prompt_text(shape, output) : std::string();
  if (!shape.is_prompt_only) text += completion.text;
  writer.begin_object().field("index", index).field("text", text).key("logprobs");
  if (shape.logprobs) {
    const ShownTokens shown = shown_tokens(shape, output, completion);
    int64_t text_offset = 0;
    write_completion_logprobs(
        writer, shape.texts, shown.token_ids, shown.logprobs, *shape.logprobs, text_offset
    );
  } else {
    writer.null();
  }
  const FinishReason reason = shape.is_prompt_only
                                  ? FinishReason::kLength
                                  : completion.finish_reason.value_or(FinishReason::kStop);
  writer.field("finish_reason", finish_reason_name(reason)).key("stop_reason");
  write_stop_reason(writer, completion.stop_reason);
  writer.key("token_ids");
  shape.has_token_ids ? write_token_ids(writer, completion.token_ids) : (void)writer.null();
  writer.key("prompt_logprobs");
  write_prompt_logprobs(writer, output.prompt_logprobs);
  writer.key("prompt_token_ids");
  shape.has_token_ids ? write_token_ids(writer, output.prompt_token_ids) : (void)writer.null();
  writer.end_object();
}

class CompletionAnswer final : public Answer {
 public:
  explicit CompletionAnswer(CompletionShape shape)
      : shape_(std::move(shape)), outputs_(shape_.num_prompts) {}

  void add(int index, RequestOutput output, std::string&) override {
    outputs_[index] = std::move(output);
  }

  void fail(const ErrorInfo&, std::string*) override {}

  HttpResponse finish(std::string&) override {
    for (const RequestOutput& output : outputs_) {
      if (const std::string* reason = failure_of(output))
        return error_response(engine_error(*reason));
    }
    HttpResponse response;
    JsonWriter writer(response.body, JsonSpacing::kCompact);
    writer.begin_object();
    write_head(writer, shape_.head, "text_completion");
    writer.key("service_tier").null().key("choices").begin_array();
    for (size_t prompt = 0; prompt < outputs_.size(); ++prompt) {
      for (const CompletionOutput& completion : outputs_[prompt].outputs) {
        const int index = static_cast<int>(prompt) * shape_.n + completion.index;
        write_choice(writer, shape_, index, outputs_[prompt], completion);
      }
    }
    writer.end_array().key("usage");
    write_usage(writer, usage());
    writer.key("kv_transfer_params").null().end_object();
    return response;
  }

 private:
  Usage usage() const {
    Usage usage;
    int64_t num_cached = 0;
    for (const RequestOutput& output : outputs_) {
      usage.prompt_tokens += static_cast<int64_t>(output.prompt_token_ids.size());
      num_cached += output.num_cached_tokens;
      for (const CompletionOutput& completion : output.outputs) {
        const size_t num_tokens = shape_.is_prompt_only ? 0 : completion.token_ids.size();
        usage.completion_tokens += static_cast<int64_t>(num_tokens);
      }
    }
    if (shape_.has_prompt_tokens_details) usage.cached_tokens = num_cached;
    return usage;
  }

  CompletionShape shape_;
  std::vector<RequestOutput> outputs_;  // [num_prompts]
};

}  // namespace

std::unique_ptr<Answer> make_completion_answer(CompletionShape shape) {
  return std::make_unique<CompletionAnswer>(std::move(shape));
}

}  // namespace quire::server
