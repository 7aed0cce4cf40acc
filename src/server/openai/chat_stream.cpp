#include <algorithm>
#include <iterator>
#include <utility>

#include "server/openai/chat_answer.h"
#include "server/openai/events.h"
#include "server/random_id.h"

namespace quire::server {
namespace {

// What was sent of one choice, and what waits for the next event.
struct ChoiceState {
  std::optional<MessageParser> parser;  // none: all text is content
  int64_t num_tokens = 0;
  bool has_tool_calls = false;
  // Of tokens whose text the parser holds back.
  std::vector<PositionLogprobs> logprobs;
  std::vector<int32_t> token_ids;
};

void write_tool_call(JsonWriter& writer, const ToolCallDelta& call) {
  writer.begin_object().field("index", call.index);
  if (call.name) writer.field("id", make_tool_call_id()).field("type", "function");
  writer.key("function").begin_object();
  if (call.name) writer.field("name", *call.name);
  writer.field("arguments", call.arguments).end_object().end_object();
}

void write_delta(JsonWriter& writer, const MessageDelta& delta, bool has_parser) {
  writer.begin_object();
  if (!delta.reasoning.empty()) {
    writer.field("reasoning", delta.reasoning).field("reasoning_content", delta.reasoning);
  }
  if (!delta.content.empty() || !has_parser) writer.field("content", delta.content);
  if (!delta.tool_calls.empty()) {
    writer.key("tool_calls").begin_array();
    for (const ToolCallDelta& call : delta.tool_calls)
      write_tool_call(writer, call);
    writer.end_array();
  }
  writer.end_object();
}

class ChatStream final : public Answer {
 public:
  explicit ChatStream(ChatShape shape)
      : shape_(std::move(shape)),
        writer_(shape_.head, "chat.completion.chunk"),
        is_plain_(
            !needs_parser(shape_.format) && !shape_.has_logprobs && !shape_.has_token_ids &&
            !shape_.has_continuous_usage
        ),
        choices_(shape_.n) {
    if (!needs_parser(shape_.format)) return;
    for (ChoiceState& choice : choices_)
      choice.parser.emplace(shape_.format);
  }

  void add(int, RequestOutput output, std::string& events) override {
    if (has_failed_) return;
    if (const std::string* reason = failure_of(output)) {
      has_failed_ = true;
      EventWriter::append_error(events, engine_error(*reason));
      return;
    }
    num_cached_tokens_ = std::max(num_cached_tokens_, output.num_cached_tokens);
    if (!std::exchange(has_begun_, true)) append_first_events(events);
    for (CompletionOutput& completion : output.outputs)
      add_choice(completion, events);
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
  // Each choice begins with its role, and with the echo if there is one.
  void append_first_events(std::string& events) const {
    for (int index = 0; index < shape_.n; ++index) {
      append_first_event(index, "", true, events);
      if (!shape_.echo.empty()) append_first_event(index, shape_.echo, false, events);
    }
  }

  void append_first_event(int index, const std::string& content, bool has_role, std::string& events)
      const {
    writer_.begin(events);
    JsonWriter writer(events, JsonSpacing::kCompact);
    writer.begin_object().field("index", index).key("delta").begin_object();
    if (has_role) writer.field("role", shape_.role);
    writer.field("content", content).end_object();
    writer.key("logprobs").null().key("finish_reason").null().end_object();
    end_event(0, events, has_role && shape_.has_token_ids ? &shape_.prompt_token_ids : nullptr);
  }

  void add_choice(CompletionOutput& completion, std::string& events) {
    ChoiceState& choice = choices_[completion.index];
    choice.num_tokens += static_cast<int64_t>(completion.token_ids.size());
    if (is_plain_ && !completion.finish_reason) {
      append_text_event(completion.index, completion.text, events);
      return;
    }
    MessageDelta delta = next_delta(choice, completion);
    keep_for_next_event(choice, completion);
    const bool says_nothing = choice.parser && delta.empty() && !shape_.has_token_ids;
    if (says_nothing && !completion.finish_reason) return;
    writer_.begin(events);
    JsonWriter writer(events, JsonSpacing::kCompact);
    write_choice(writer, choice, completion, delta);
    end_event(choice.num_tokens, events);
  }

  // The way of nearly all events.
  void append_text_event(int index, const std::string& text, std::string& events) const {
    writer_.begin(events);
    events += "{\"index\":";
    append_number(events, index);
    events += ",\"delta\":{\"content\":";
    append_json_string(events, text);
    events += "},\"logprobs\":null,\"finish_reason\":null,\"token_ids\":null}]}\n\n";
  }

  MessageDelta next_delta(ChoiceState& choice, CompletionOutput& completion) const {
    MessageDelta delta;
    if (!choice.parser) {
      delta.content = std::move(completion.text);
      return delta;
    }
    delta = choice.parser->push(completion.text);
    if (completion.finish_reason) delta.append(choice.parser->finish());
    if (!shape_.has_reasoning) delta.reasoning.clear();
    if (!shape_.has_parallel_tool_calls) delta.keep_first_tool_call();
    choice.has_tool_calls = choice.has_tool_calls || !delta.tool_calls.empty();
    return delta;
  }

  void keep_for_next_event(ChoiceState& choice, CompletionOutput& completion) const {
    if (shape_.has_logprobs && completion.logprobs) {
      std::ranges::move(*completion.logprobs, std::back_inserter(choice.logprobs));
    }
    if (!shape_.has_token_ids) return;
    const auto& ids = completion.token_ids;
    choice.token_ids.insert(choice.token_ids.end(), ids.begin(), ids.end());
  }

  void write_choice(
      JsonWriter& writer,
      ChoiceState& choice,
      const CompletionOutput& completion,
      const MessageDelta& delta
  ) const {
    writer.begin_object().field("index", completion.index).key("delta");
    write_delta(writer, delta, choice.parser.has_value());
    writer.key("logprobs");
    if (choice.logprobs.empty()) {
      writer.null();
    } else {
      write_chat_logprobs(writer, shape_.texts, choice.logprobs, shape_.top_logprobs);
      choice.logprobs.clear();
    }
    writer.key("finish_reason");
    if (completion.finish_reason) {
      writer.value(chat_finish_reason(*completion.finish_reason, choice.has_tool_calls));
      writer.key("stop_reason");
      write_stop_reason(writer, completion.stop_reason);
    } else {
      writer.null();
    }
    writer.key("token_ids");
    shape_.has_token_ids ? write_token_ids(writer, choice.token_ids) : (void)writer.null();
    choice.token_ids.clear();
    writer.end_object();
  }

  void end_event(
      int64_t num_completion_tokens,
      std::string& events,
      const std::vector<int32_t>* prompt_token_ids = nullptr
  ) const {
    const Usage usage = usage_of(num_completion_tokens);
    EventWriter::end(events, shape_.has_continuous_usage ? &usage : nullptr, prompt_token_ids);
  }

  Usage usage_of(int64_t num_completion_tokens) const {
    Usage usage{static_cast<int64_t>(shape_.prompt_token_ids.size()), num_completion_tokens, {}};
    if (shape_.has_prompt_tokens_details) usage.cached_tokens = num_cached_tokens_;
    return usage;
  }

  Usage total_usage() const {
    int64_t num_tokens = 0;
    for (const ChoiceState& choice : choices_)
      num_tokens += choice.num_tokens;
    return usage_of(num_tokens);
  }

  ChatShape shape_;
  EventWriter writer_;
  bool is_plain_;  // events have nothing but text
  bool has_begun_ = false;
  bool has_failed_ = false;
  int num_cached_tokens_ = 0;
  std::vector<ChoiceState> choices_;  // [n]
};

}  // namespace

std::unique_ptr<Answer> make_chat_stream(ChatShape shape) {
  return std::make_unique<ChatStream>(std::move(shape));
}

}  // namespace quire::server
