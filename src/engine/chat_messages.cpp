#include "engine/chat_messages.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "base/json_writer.h"
#include "engine/json_values.h"
#include "quire/error.h"

namespace quire {
namespace {

using simdjson::dom::element;

// Where a part of this type has its text; nullptr: it is not text.
const char* text_field_of(std::string_view type) {
  if (type == "text" || type == "input_text" || type == "output_text") return "text";
  if (type == "refusal") return "refusal";
  if (type == "thinking") return "thinking";
  return nullptr;
}

std::string_view text_of_part(element part) {
  std::string_view type = "text";
  std::string_view text;
  if (part.get(text) == simdjson::SUCCESS) return text;
  const bool has_type = part["type"].get(type) == simdjson::SUCCESS;
  const char* field = text_field_of(type);
  if (has_type && field == nullptr) {
    throw InvalidArgument(
        "messages",
        fmt::format("Content of type '{}' is not supported: this engine takes text only.", type)
    );
  }
  if (part[field].get(text) != simdjson::SUCCESS) {
    JsonValue("messages", part).fail("made of content parts {\"type\": \"text\", \"text\": …}");
  }
  return text;
}

std::vector<std::string_view> texts_of(element content) {
  std::string_view text;
  simdjson::dom::array parts;
  if (content.is_null()) return {};
  if (content.get(text) == simdjson::SUCCESS) return {text};
  if (content.get(parts) != simdjson::SUCCESS) {
    JsonValue("messages", content).fail("made of contents that are text or lists of parts");
  }
  std::vector<std::string_view> texts;
  for (const element part : parts)
    texts.push_back(text_of_part(part));
  return texts;
}

std::string joined(const std::vector<std::string_view>& texts) {
  return fmt::format("{}", fmt::join(texts, "\n"));
}

void write_content(JsonWriter& writer, element content, ContentFormat format) {
  const auto texts = texts_of(content);
  if (format == ContentFormat::kString) {
    writer.value(std::string_view(joined(texts)));
    return;
  }
  writer.begin_array();
  for (const std::string_view text : texts) {
    writer.begin_object().field("type", "text").field("text", text).end_object();
  }
  writer.end_array();
}

// Arguments come as JSON text; templates want what it says.
void write_arguments(JsonWriter& writer, element arguments) {
  std::string_view text;
  if (arguments.get(text) != simdjson::SUCCESS) {
    arguments.is_null() ? writer.raw("{}") : writer.raw(simdjson::minify(arguments));
    return;
  }
  simdjson::dom::parser parser;
  element parsed;
  if (text.empty()) {
    writer.raw("{}");
  } else if (parser.parse(text.data(), text.size()).get(parsed) == simdjson::SUCCESS) {
    writer.raw(simdjson::minify(parsed));
  } else {
    JsonValue("messages", arguments).fail("made of tool_calls whose arguments are JSON text");
  }
}

// {"name": …, "arguments": "{…}"} with the arguments as JSON; none are {}.
void write_function(JsonWriter& writer, simdjson::dom::object function) {
  bool has_arguments = false;
  writer.begin_object();
  for (const auto [key, value] : function) {
    writer.key(key);
    if (key == "arguments") {
      write_arguments(writer, value);
      has_arguments = true;
    } else {
      writer.raw(simdjson::minify(value));
    }
  }
  if (!has_arguments) writer.key("arguments").raw("{}");
  writer.end_object();
}

void write_tool_call(JsonWriter& writer, element tool_call) {
  simdjson::dom::object fields;
  if (tool_call.get(fields) != simdjson::SUCCESS) {
    JsonValue("messages", tool_call).fail("made of tool_calls that are objects");
  }
  writer.begin_object();
  for (const auto [key, value] : fields) {
    writer.key(key);
    simdjson::dom::object function;
    if (key == "function" && value.get(function) == simdjson::SUCCESS) {
      write_function(writer, function);
    } else {
      writer.raw(simdjson::minify(value));
    }
  }
  writer.end_object();
}

// No calls are no field: templates ask whether it is there.
void write_tool_calls(JsonWriter& writer, element value) {
  simdjson::dom::array tool_calls;
  if (value.get(tool_calls) != simdjson::SUCCESS) {
    JsonValue("messages", value).fail("made of tool_calls that are lists");
  }
  if (tool_calls.begin() == tool_calls.end()) return;
  writer.key("tool_calls").begin_array();
  for (const element tool_call : tool_calls)
    write_tool_call(writer, tool_call);
  writer.end_array();
}

// Templates know an assistant's thoughts by one of two names.
void write_reasoning(JsonWriter& writer, element message) {
  element reasoning;
  for (const char* name : {"reasoning", "reasoning_content"}) {
    if (message[name].get(reasoning) != simdjson::SUCCESS || !reasoning.is_string()) continue;
    const std::string json = simdjson::minify(reasoning);
    writer.key("reasoning").raw(json).key("reasoning_content").raw(json);
    return;
  }
}

void write_field(JsonWriter& writer, std::string_view key, element value, ContentFormat format) {
  if (key == "content") {
    writer.key(key);
    write_content(writer, value, format);
  } else if (value.is_null() || key == "reasoning" || key == "reasoning_content") {
    return;
  } else if (key == "tool_calls") {
    write_tool_calls(writer, value);
  } else {
    writer.key(key).raw(simdjson::minify(value));
  }
}

void write_message(JsonWriter& writer, element message, ContentFormat format) {
  simdjson::dom::object fields;
  if (message.get(fields) != simdjson::SUCCESS) {
    JsonValue("messages", message).fail("a list of objects");
  }
  bool has_content = false;
  writer.begin_object();
  for (const auto [key, value] : fields) {
    write_field(writer, key, value, format);
    has_content = has_content || key == "content";
  }
  if (!has_content) writer.key("content").raw(format == ContentFormat::kString ? "\"\"" : "[]");
  write_reasoning(writer, message);
  writer.end_object();
}

simdjson::dom::array parse_messages(simdjson::dom::parser& parser, std::string_view json) {
  simdjson::dom::array messages;
  if (parser.parse(json.data(), json.size()).get(messages) != simdjson::SUCCESS) {
    throw InvalidArgument("messages", "messages must be a JSON array of messages.");
  }
  return messages;
}

}  // namespace

std::string messages_for_template(std::string_view messages_json, ContentFormat format) {
  simdjson::dom::parser parser;
  std::string json;
  JsonWriter writer(json);
  writer.begin_array();
  for (const element message : parse_messages(parser, messages_json)) {
    write_message(writer, message, format);
  }
  writer.end_array();
  return json;
}

std::string final_message_text(std::string_view messages_json) {
  simdjson::dom::parser parser;
  const auto messages = parse_messages(parser, messages_json);
  if (messages.size() == 0) return {};
  element content;
  if (messages.at(messages.size() - 1)["content"].get(content) != simdjson::SUCCESS) return {};
  return joined(texts_of(content));
}

}  // namespace quire
