#include "server/responses/response_events.h"

namespace quire::server {
namespace {

using Kind = OutputItem::Kind;

const char* delta_event(Kind kind) {
  switch (kind) {
    case Kind::kReasoning:
      return "response.reasoning_text.delta";
    case Kind::kMessage:
      return "response.output_text.delta";
    case Kind::kFunctionCall:
      return "response.function_call_arguments.delta";
  }
  return "";
}

const char* done_event(Kind kind) {
  switch (kind) {
    case Kind::kReasoning:
      return "response.reasoning_text.done";
    case Kind::kMessage:
      return "response.output_text.done";
    case Kind::kFunctionCall:
      return "response.function_call_arguments.done";
  }
  return "";
}

// Function calls have no parts.
void append_place(JsonWriter& writer, int output_index, const OutputItem& item) {
  writer.field("item_id", item.id).field("output_index", output_index);
  if (item.kind != Kind::kFunctionCall) writer.field("content_index", 0);
}

void append_logprobs(JsonWriter& writer, const OutputItem& item, std::string_view logprobs) {
  if (item.kind != Kind::kMessage) return;
  writer.key("logprobs").begin_array();
  if (!logprobs.empty()) writer.raw(logprobs);
  writer.end_array();
}

}  // namespace

JsonWriter ResponseEvents::begin(std::string& events, std::string_view type) {
  events += "event: ";
  events += type;
  events += "\ndata: ";
  JsonWriter writer(events, JsonSpacing::kCompact);
  writer.begin_object().field("type", type).field("sequence_number", sequence_number_++);
  return writer;
}

void ResponseEvents::end(std::string& events, JsonWriter& writer) {
  writer.end_object();
  events += "\n\n";
}

void ResponseEvents::response(
    std::string& events,
    std::string_view type,
    const ResponseHead& head,
    const ResponseState& state,
    const std::vector<OutputItem>& items
) {
  JsonWriter writer = begin(events, type);
  append_response(writer.key("response"), head, state, items);
  end(events, writer);
}

void ResponseEvents::item_added(std::string& events, int output_index, const OutputItem& item) {
  JsonWriter writer = begin(events, "response.output_item.added");
  writer.field("output_index", output_index).key("item");
  append_output_item(writer, item, "in_progress");
  end(events, writer);
  content_part(events, "response.content_part.added", output_index, item, "");
}

void ResponseEvents::delta(
    std::string& events,
    int output_index,
    const OutputItem& item,
    std::string_view text,
    std::string_view logprobs
) {
  JsonWriter writer = begin(events, delta_event(item.kind));
  append_place(writer, output_index, item);
  writer.field("delta", text);
  append_logprobs(writer, item, logprobs);
  end(events, writer);
}

void ResponseEvents::item_done(
    std::string& events, int output_index, const OutputItem& item, std::string_view status
) {
  text_done(events, output_index, item);
  content_part(events, "response.content_part.done", output_index, item, item.text);
  JsonWriter writer = begin(events, "response.output_item.done");
  writer.field("output_index", output_index).key("item");
  append_output_item(writer, item, status);
  end(events, writer);
}

void ResponseEvents::text_done(std::string& events, int output_index, const OutputItem& item) {
  JsonWriter writer = begin(events, done_event(item.kind));
  append_place(writer, output_index, item);
  if (item.kind == Kind::kFunctionCall) {
    writer.field("name", item.name).field("arguments", item.text);
  } else {
    writer.field("text", item.text);
  }
  append_logprobs(writer, item, item.logprobs);
  end(events, writer);
}

void ResponseEvents::content_part(
    std::string& events,
    std::string_view type,
    int output_index,
    const OutputItem& item,
    std::string_view text
) {
  if (item.kind == Kind::kFunctionCall) return;
  JsonWriter writer = begin(events, type);
  append_place(writer, output_index, item);
  append_content_part(writer.key("part"), item, text);
  end(events, writer);
}

}  // namespace quire::server
