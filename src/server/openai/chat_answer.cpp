#include "server/openai/chat_answer.h"

#include <utility>

#include "server/openai/events.h"
#include "server/random_id.h"

namespace quire::server {
namespace {

Message parse_message(const ChatShape& shape, const std::string& text) {
  Message message;
  if (needs_parser(shape.format)) {
    message = MessageParser::parse(shape.format, text);
  } else {
    message.content = text;
  }
  if (!shape.has_reasoning) message.reasoning.clear();
  if (!shape.has_parallel_tool_calls && message.tool_calls.size() > 1) message.tool_calls.resize(1);
  if (!shape.echo.empty()) message.content = shape.echo + message.content.value_or("");
  return message;
}

void write_tool_calls(JsonWriter& writer, const std::vector<ToolCall>& tool_calls) {
  writer.begin_array();
  for (const ToolCall& call : tool_calls) {
    writer.begin_object().field("id", make_tool_call_id()).field("type", "function");
    writer.key("function").begin_object().field("name", call.name);
    writer.field("arguments", call.arguments).end_object().end_object();
  }
  writer.end_array();
}

void write_message(JsonWriter& writer, const std::string& role, const Message& message) {
  writer.begin_object().field("role", role).key("content");
  message.content ? writer.value(*message.content) : writer.null();
  writer.key("refusal").null().key("tool_calls");
  write_tool_calls(writer, message.tool_calls);
  // Clients know it by one of two names.
  for (const char* name : {"reasoning", "reasoning_content"}) {
    writer.key(name);
    message.reasoning.empty() ? writer.null() : writer.value(message.reasoning);
  }
  writer.end_object();
}

void write_choice(JsonWriter& writer, const ChatShape& shape, const CompletionOutput& completion) {
  const Message message = parse_message(shape, completion.text);
  writer.begin_object().field("index", completion.index).key("message");
  write_message(writer, shape.role, message);
  writer.key("logprobs");
  if (shape.has_logprobs && completion.logprobs) {
    write_chat_logprobs(writer, shape.texts, *completion.logprobs, shape.top_logprobs);
  } else {
    writer.null();
  }
  const FinishReason reason = completion.finish_reason.value_or(FinishReason::kStop);
  writer.field("finish_reason", chat_finish_reason(reason, !message.tool_calls.empty()));
  writer.key("stop_reason");
  write_stop_reason(writer, completion.stop_reason);
  writer.key("token_ids");
  shape.has_token_ids ? write_token_ids(writer, completion.token_ids) : (void)writer.null();
  writer.end_object();
}

class ChatAnswer final : public Answer {
 public:
  explicit ChatAnswer(ChatShape shape) : shape_(std::move(shape)) {}

  void add(int, RequestOutput output, std::string&) override { output_ = std::move(output); }

  void fail(const ErrorInfo&, std::string*) override {}

  HttpResponse finish(std::string&) override {
    if (const std::string* reason = failure_of(output_))
      return error_response(engine_error(*reason));
    HttpResponse response;
    JsonWriter writer(response.body, JsonSpacing::kCompact);
    writer.begin_object();
    write_head(writer, shape_.head, "chat.completion");
    writer.key("choices").begin_array();
    for (const CompletionOutput& completion : output_.outputs)
      write_choice(writer, shape_, completion);
    writer.end_array().key("service_tier").null().key("usage");
    write_usage(writer, usage());
    writer.key("prompt_logprobs");
    write_prompt_logprobs(writer, output_.prompt_logprobs);
    writer.key("prompt_token_ids");
    shape_.has_token_ids ? write_token_ids(writer, shape_.prompt_token_ids) : (void)writer.null();
    writer.key("kv_transfer_params").null().end_object();
    return response;
  }

 private:
  Usage usage() const {
    Usage usage;
    usage.prompt_tokens = static_cast<int64_t>(shape_.prompt_token_ids.size());
    for (const CompletionOutput& completion : output_.outputs)
      usage.completion_tokens += static_cast<int64_t>(completion.token_ids.size());
    if (shape_.has_prompt_tokens_details) usage.cached_tokens = output_.num_cached_tokens;
    return usage;
  }

  ChatShape shape_;
  RequestOutput output_;
};

}  // namespace

bool needs_parser(const MessageFormat& format) {
  return !format.tool_call_parser.empty() || !format.reasoning_parser.empty();
}

const char* chat_finish_reason(FinishReason reason, bool has_tool_calls) {
  // A message that was cut off may hold half a call, so that stays "length".
  if (reason == FinishReason::kStop && has_tool_calls) return "tool_calls";
  return finish_reason_name(reason);
}

std::unique_ptr<Answer> make_chat_answer(ChatShape shape) {
  return std::make_unique<ChatAnswer>(std::move(shape));
}

}  // namespace quire::server
