#include "server/anthropic/message_events.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"

namespace quire::server {
namespace {

// {"type": "<type>" …, open for more fields.
JsonWriter begin_event(std::string& events, std::string_view type) {
  events += "event: ";
  events += type;
  events += "\ndata: ";
  JsonWriter writer(events, JsonSpacing::kCompact);
  writer.begin_object().field("type", type);
  return writer;
}

void end_event(std::string& events, JsonWriter& writer) {
  writer.end_object();
  events += "\n\n";
}

// The input of a call is an object: a model may have written something else.
std::string input_object(const std::string& arguments) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(arguments).get(object) != simdjson::SUCCESS) return "{}";
  return simdjson::minify(object);
}

void write_usage(JsonWriter& writer, const MessagesUsage& usage) {
  writer.begin_object().field("input_tokens", usage.input_tokens);
  writer.field("cache_creation_input_tokens", 0);
  writer.field("cache_read_input_tokens", usage.cache_read_input_tokens);
  writer.field("output_tokens", usage.output_tokens).end_object();
}

void write_stop(
    JsonWriter& writer, std::string_view reason, const std::optional<std::string>& sequence
) {
  writer.key("stop_reason");
  if (reason.empty()) {
    writer.null();
  } else {
    writer.value(reason);
  }
  writer.key("stop_sequence");
  if (sequence) {
    writer.value(*sequence);
  } else {
    writer.null();
  }
}

}  // namespace

void MessageBlocks::add(const MessageDelta& delta, std::string& events) {
  if (!delta.reasoning.empty()) {
    if (kind_ != Kind::kThinking) open(Kind::kThinking, nullptr, events);
    append(delta.reasoning, events);
  }
  if (!delta.content.empty()) {
    if (kind_ != Kind::kText) open(Kind::kText, nullptr, events);
    append(delta.content, events);
  }
  for (const ToolCallDelta& call : delta.tool_calls) {
    if (kind_ != Kind::kToolUse || call_index_ != call.index) open(Kind::kToolUse, &call, events);
    if (!call.arguments.empty()) append(call.arguments, events);
  }
}

void MessageBlocks::finish(std::string& events) {
  close(events);
}

std::string MessageBlocks::block_json(std::string_view text) const {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_object();
  if (kind_ == Kind::kThinking) {
    writer.field("type", "thinking").field("thinking", text).field("signature", "");
  } else if (kind_ == Kind::kText) {
    writer.field("type", "text").field("text", text).key("citations").null();
  } else {
    writer.field("type", "tool_use").field("id", tool_use_id_).field("name", tool_name_);
    writer.key("input").raw(input_object(std::string(text)));
  }
  writer.end_object();
  return json;
}

void MessageBlocks::open(Kind kind, const ToolCallDelta* call, std::string& events) {
  close(events);
  kind_ = kind;
  ++index_;
  if (call != nullptr) {
    call_index_ = call->index;
    // msg_<digits> gives toolu_<digits>00, and so on: unique as the message's is.
    tool_use_id_ = fmt::format("toolu_{}{:02x}", id_.substr(id_.find('_') + 1), index_);
    tool_name_ = call->name.value_or("");
  }
  if (!stream_) return;
  JsonWriter writer = begin_event(events, "content_block_start");
  writer.field("index", index_).key("content_block").raw(block_json(""));
  end_event(events, writer);
}

void MessageBlocks::append(std::string_view text, std::string& events) {
  if (!stream_) {
    text_ += text;
    return;
  }
  JsonWriter writer = begin_event(events, "content_block_delta");
  writer.field("index", index_).key("delta").begin_object();
  if (kind_ == Kind::kThinking) {
    writer.field("type", "thinking_delta").field("thinking", text);
  } else if (kind_ == Kind::kText) {
    writer.field("type", "text_delta").field("text", text);
  } else {
    writer.field("type", "input_json_delta").field("partial_json", text);
  }
  writer.end_object();
  end_event(events, writer);
}

void MessageBlocks::close(std::string& events) {
  if (kind_ == Kind::kNone) return;
  if (stream_) {
    JsonWriter writer = begin_event(events, "content_block_stop");
    writer.field("index", index_);
    end_event(events, writer);
  } else {
    if (!blocks_.empty()) blocks_ += ", ";
    blocks_ += block_json(text_);
  }
  text_.clear();
  kind_ = Kind::kNone;
}

std::string message_json(
    const MessageHead& head,
    std::string_view content,
    std::string_view stop_reason,
    const std::optional<std::string>& stop_sequence,
    const MessagesUsage& usage
) {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_object().field("id", head.id).field("type", "message").field("role", "assistant");
  writer.field("model", head.model).key("content").raw(content);
  write_stop(writer, stop_reason, stop_sequence);
  write_usage(writer.key("usage"), usage);
  writer.end_object();
  return json;
}

std::string_view stop_reason_of(const CompletionReader& reader) {
  if (reader.finish_reason() == FinishReason::kLength) return "max_tokens";
  if (reader.has_tool_calls()) return "tool_use";
  return reader.stop_string() ? "stop_sequence" : "end_turn";
}

void append_message_start(
    std::string& events, const MessageHead& head, const MessagesUsage& usage
) {
  JsonWriter writer = begin_event(events, "message_start");
  writer.key("message").raw(message_json(head, "[]", "", std::nullopt, usage));
  end_event(events, writer);
}

void append_message_end(
    std::string& events,
    std::string_view stop_reason,
    const std::optional<std::string>& stop_sequence,
    const MessagesUsage& usage
) {
  JsonWriter delta = begin_event(events, "message_delta");
  delta.key("delta").begin_object();
  write_stop(delta, stop_reason, stop_sequence);
  write_usage(delta.end_object().key("usage"), usage);
  end_event(events, delta);
  JsonWriter stop = begin_event(events, "message_stop");
  end_event(events, stop);
}

}  // namespace quire::server
