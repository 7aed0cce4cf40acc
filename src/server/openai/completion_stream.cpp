#include <utility>
#include <vector>

#include "server/openai/completion_answer.h"
#include "server/openai/events.h"

namespace quire::server {
namespace {

// What was sent of one choice.
struct ChoiceState {
  int64_t num_tokens = 0;
  int64_t text_offset = 0;  // of the next token, in characters
  bool has_begun = false;
};

// What is known of one prompt.
struct PromptState {
  std::string text;  // for echo
  std::vector<int32_t> token_ids;
  std::vector<PositionLogprobs> logprobs;
  int num_cached_tokens = 0;
  std::vector<ChoiceState> choices;  // [n]
};

class CompletionStream final : public Answer {
 public:
  explicit CompletionStream(CompletionShape shape)
      : shape_(std::move(shape)),
        writer_(shape_.head, "text_completion"),
        is_plain_(!shape_.logprobs && !shape_.has_token_ids && !shape_.has_continuous_usage),
        prompts_(shape_.num_prompts) {
    for (PromptState& prompt : prompts_)
      prompt.choices.resize(shape_.n);
  }

  void add(int index, RequestOutput output, std::string& events) override {
    if (has_failed_) return;
    if (const std::string* reason = failure_of(output)) {
      has_failed_ = true;
      EventWriter::append_error(events, engine_error(*reason));
      return;
    }
    PromptState& prompt = prompts_[index];
    take_prompt(prompt, output);
    for (CompletionOutput& completion : output.outputs) {
      if (shape_.is_prompt_only) hide_output(completion);
      add_choice(index * shape_.n + completion.index, prompt, completion, events);
    }
  }

  HttpResponse finish(std::string& events) override {
    if (shape_.has_usage && !has_failed_) writer_.append_usage(events, total_usage());
    EventWriter::append_done(events);
    return {};
  }

  void fail(const ErrorInfo& error, std::string* events) override {
    if (events == nullptr) return;
    if (!has_failed_) EventWriter::append_error(*events, error);
    EventWriter::append_done(*events);
  }

 private:
  // Comes with the first output alone.
  void take_prompt(PromptState& prompt, RequestOutput& output) const {
    prompt.num_cached_tokens = std::max(prompt.num_cached_tokens, output.num_cached_tokens);
    if (output.prompt_token_ids.empty()) return;
    prompt.token_ids = std::move(output.prompt_token_ids);
    if (!shape_.has_echo) return;
    if (output.prompt) {
      prompt.text = std::move(*output.prompt);
    } else if (shape_.texts.tokenizer) {
      prompt.text = shape_.texts.tokenizer->decode(prompt.token_ids);
    }
    if (output.prompt_logprobs) prompt.logprobs = std::move(*output.prompt_logprobs);
  }

  static void hide_output(CompletionOutput& completion) {
    completion.text.clear();
    completion.token_ids.clear();
    completion.logprobs.reset();
    completion.finish_reason = FinishReason::kLength;
    completion.stop_reason = {};
  }

  void add_choice(
      int index, PromptState& prompt, CompletionOutput& completion, std::string& events
  ) {
    ChoiceState& choice = prompt.choices[completion.index];
    choice.num_tokens += static_cast<int64_t>(completion.token_ids.size());
    if (is_plain_ && !completion.finish_reason && (choice.has_begun || !shape_.has_echo)) {
      choice.has_begun = true;
      append_text_event(index, completion.text, events);
      return;
    }
    const bool is_first = !std::exchange(choice.has_begun, true);
    writer_.begin(events);
    JsonWriter writer(events, JsonSpacing::kCompact);
    write_choice(writer, index, prompt, choice, completion, is_first);
    if (shape_.has_continuous_usage) {
      const Usage usage = usage_of(prompt, choice.num_tokens);
      EventWriter::end(events, &usage);
    } else {
      EventWriter::end(events);
    }
  }

  // The way of nearly all events.
  void append_text_event(int index, const std::string& text, std::string& events) const {
    writer_.begin(events);
    events += "{\"index\":";
    append_number(events, index);
    events += ",\"text\":";
    append_json_string(events, text);
    events +=
        ",\"logprobs\":null,\"finish_reason\":null,\"stop_reason\":null,"
        "\"prompt_token_ids\":null,\"token_ids\":null}]}\n\n";
  }

  void write_choice(
      JsonWriter& writer,
      int index,
      const PromptState& prompt,
      ChoiceState& choice,
      CompletionOutput& completion,
      bool is_first
  ) const {
    const bool has_echo = is_first && shape_.has_echo;
    writer.begin_object().field("index", index);
    writer.field("text", has_echo ? prompt.text + completion.text : completion.text);
    writer.key("logprobs");
    write_logprobs(writer, prompt, choice, completion, has_echo);
    writer.key("finish_reason");
    completion.finish_reason ? writer.value(finish_reason_name(*completion.finish_reason))
                             : writer.null();
    writer.key("stop_reason");
    write_stop_reason(writer, completion.stop_reason);
    writer.key("prompt_token_ids");
    const bool has_token_ids = shape_.has_token_ids;
    has_token_ids&& is_first ? write_token_ids(writer, prompt.token_ids) : (void)writer.null();
    writer.key("token_ids");
    has_token_ids ? write_token_ids(writer, completion.token_ids) : (void)writer.null();
    writer.end_object();
  }

  void write_logprobs(
      JsonWriter& writer,
      const PromptState& prompt,
      ChoiceState& choice,
      CompletionOutput& completion,
      bool has_echo
  ) const {
    if (!shape_.logprobs) {
      writer.null();
      return;
    }
    std::vector<int32_t> token_ids;
    std::vector<PositionLogprobs> positions;
    if (has_echo) {
      token_ids = prompt.token_ids;
      positions = prompt.logprobs;
    }
    token_ids.insert(token_ids.end(), completion.token_ids.begin(), completion.token_ids.end());
    if (completion.logprobs) {
      for (PositionLogprobs& position : *completion.logprobs)
        positions.push_back(std::move(position));
    }
    write_completion_logprobs(
        writer, shape_.texts, token_ids, positions, *shape_.logprobs, choice.text_offset
    );
  }

  Usage usage_of(const PromptState& prompt, int64_t num_completion_tokens) const {
    Usage usage{static_cast<int64_t>(prompt.token_ids.size()), num_completion_tokens, {}};
    if (shape_.has_prompt_tokens_details) usage.cached_tokens = prompt.num_cached_tokens;
    return usage;
  }

  Usage total_usage() const {
    Usage total;
    if (shape_.has_prompt_tokens_details) total.cached_tokens = 0;
    for (const PromptState& prompt : prompts_) {
      total.prompt_tokens += static_cast<int64_t>(prompt.token_ids.size());
      if (total.cached_tokens) *total.cached_tokens += prompt.num_cached_tokens;
      for (const ChoiceState& choice : prompt.choices)
        total.completion_tokens += choice.num_tokens;
    }
    return total;
  }

  CompletionShape shape_;
  EventWriter writer_;
  bool is_plain_;  // events have nothing but text
  bool has_failed_ = false;
  std::vector<PromptState> prompts_;  // [num_prompts]
};

}  // namespace

std::unique_ptr<Answer> make_completion_stream(CompletionShape shape) {
  return std::make_unique<CompletionStream>(std::move(shape));
}

}  // namespace quire::server
