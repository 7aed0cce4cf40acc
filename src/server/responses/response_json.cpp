#include "server/responses/response_json.h"

namespace quire::server {
namespace {

using Kind = OutputItem::Kind;

void append_usage(JsonWriter& writer, const ResponseUsage& usage) {
  writer.begin_object().field("input_tokens", usage.input_tokens);
  writer.key("input_tokens_details").begin_object();
  writer.field("cached_tokens", usage.cached_tokens).field("cache_write_tokens", 0).end_object();
  writer.field("output_tokens", usage.output_tokens).key("output_tokens_details").begin_object();
  writer.field("reasoning_tokens", usage.reasoning_tokens).end_object();
  writer.field("total_tokens", usage.input_tokens + usage.output_tokens).end_object();
}

void append_error(JsonWriter& writer, const std::optional<std::string>& error) {
  writer.key("error");
  if (!error) {
    writer.null();
    return;
  }
  writer.begin_object().field("code", "server_error").field("message", *error).end_object();
}

void append_incomplete_details(JsonWriter& writer, const std::optional<std::string>& reason) {
  writer.key("incomplete_details");
  if (!reason) {
    writer.null();
    return;
  }
  writer.begin_object().field("reason", *reason).end_object();
}

}  // namespace

void append_content_part(JsonWriter& writer, const OutputItem& item, std::string_view text) {
  writer.begin_object();
  if (item.kind == Kind::kReasoning) {
    writer.field("type", "reasoning_text").field("text", text).end_object();
    return;
  }
  writer.field("type", "output_text").field("text", text);
  writer.key("annotations").begin_array().end_array();
  // Without text yet, without its logprobs.
  const std::string logprobs = text.empty() ? "" : item.logprobs;
  writer.key("logprobs").raw("[" + logprobs + "]").end_object();
}

void append_output_item(JsonWriter& writer, const OutputItem& item, std::string_view status) {
  const bool is_done = status != "in_progress";
  writer.begin_object().field("id", item.id);
  if (item.kind == Kind::kFunctionCall) {
    writer.field("type", "function_call").field("status", status).field("call_id", item.call_id);
    writer.field("name", item.name).field("arguments", is_done ? item.text : std::string());
    writer.end_object();
    return;
  }
  if (item.kind == Kind::kReasoning) {
    writer.field("type", "reasoning").field("status", status);
    writer.key("summary").begin_array().end_array();
  } else {
    writer.field("type", "message").field("status", status).field("role", "assistant");
  }
  writer.key("content").begin_array();
  if (is_done) append_content_part(writer, item, item.text);
  writer.end_array().end_object();
}

void append_response(
    JsonWriter& writer,
    const ResponseHead& head,
    const ResponseState& state,
    const std::vector<OutputItem>& items
) {
  writer.begin_object().field("id", head.id).field("object", "response");
  writer.field("created_at", head.created_at).field("status", state.status);
  writer.key("completed_at");
  if (state.completed_at) {
    writer.value(*state.completed_at);
  } else {
    writer.null();
  }
  append_error(writer, state.error);
  append_incomplete_details(writer, state.incomplete_reason);
  writer.field("model", head.model).key("output").begin_array();
  for (size_t i = 0; i < items.size(); ++i) {
    const bool is_cut = state.status != "completed" && i + 1 == items.size();
    append_output_item(writer, items[i], is_cut ? "incomplete" : "completed");
  }
  writer.end_array();
  if (state.usage) append_usage(writer.key("usage"), *state.usage);
  writer.raw(head.request_members).end_object();
}

}  // namespace quire::server
