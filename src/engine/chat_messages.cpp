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

std::string_view text_of_part(element part) {
  std::string_view type;
  std::string_view text;
  if (part.get(text) == simdjson::SUCCESS) return text;
  if (part["type"].get(type) == simdjson::SUCCESS && type != "text") {
    throw InvalidArgument(
        "messages",
        fmt::format("Content of type '{}' is not supported: this engine takes text only.", type)
    );
  }
  if (part["text"].get(text) != simdjson::SUCCESS) {
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

// {"name": …, "arguments": "{…}"} with the arguments as JSON, where they are an object.
void write_function(JsonWriter& writer, simdjson::dom::object function) {
  writer.begin_object();
  for (const auto [key, value] : function) {
    std::string_view text;
    simdjson::dom::parser parser;
    element arguments;
    const bool is_json = key == "arguments" && value.get(text) == simdjson::SUCCESS &&
                         parser.parse(text.data(), text.size()).get(arguments) == simdjson::SUCCESS;
    writer.key(key).raw(simdjson::minify(is_json ? arguments : value));
  }
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

void write_message(JsonWriter& writer, element message, ContentFormat format) {
  simdjson::dom::object fields;
  if (message.get(fields) != simdjson::SUCCESS) {
    JsonValue("messages", message).fail("a list of objects");
  }
  writer.begin_object();
  for (const auto [key, value] : fields) {
    writer.key(key);
    simdjson::dom::array tool_calls;
    if (key == "content") {
      write_content(writer, value, format);
    } else if (key == "tool_calls" && value.get(tool_calls) == simdjson::SUCCESS) {
      writer.begin_array();
      for (const element tool_call : tool_calls)
        write_tool_call(writer, tool_call);
      writer.end_array();
    } else {
      writer.raw(simdjson::minify(value));
    }
  }
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
