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

constexpr const char* kField = "messages";

// Where a value stands, such as messages[2].content[0]. Its parents outlive it.
class Place {
 public:
  explicit Place(std::string_view name) : name_(name) {}
  Place(const Place& parent, std::string_view name) : parent_(&parent), name_(name) {}
  Place(const Place& parent, size_t index) : parent_(&parent), index_(index) {}

  std::string path() const {
    if (parent_ == nullptr) return std::string(name_);
    if (name_.empty()) return fmt::format("{}[{}]", parent_->path(), index_);
    return fmt::format("{}.{}", parent_->path(), name_);
  }

 private:
  const Place* parent_ = nullptr;
  std::string_view name_;
  size_t index_ = 0;
};

[[noreturn]] void fail(const Place& place, element value, std::string_view what) {
  JsonValue(place.path(), value).fail(what);
}

// Where a part of this type has its text; nullptr: it is not text.
const char* text_field_of(std::string_view type) {
  if (type == "text" || type == "input_text" || type == "output_text") return "text";
  if (type == "refusal") return "refusal";
  if (type == "thinking") return "thinking";
  return nullptr;
}

std::string_view text_of_part(const Place& place, element part) {
  std::string_view type = "text";
  std::string_view text;
  if (part.get(text) == simdjson::SUCCESS) return text;
  const bool has_type = part["type"].get(type) == simdjson::SUCCESS;
  const char* field = text_field_of(type);
  if (has_type && field == nullptr) {
    const std::string path = place.path();
    throw InvalidArgument(
        path,
        fmt::format(
            "{}: content of type '{}' is not supported. This engine takes text only.", path, type
        )
    );
  }
  if (part[field].get(text) != simdjson::SUCCESS) {
    fail(place, part, "a content part {\"type\": \"text\", \"text\": …}");
  }
  return text;
}

std::vector<std::string_view> texts_of(const Place& place, element content) {
  std::string_view text;
  simdjson::dom::array parts;
  if (content.is_null()) return {};
  if (content.get(text) == simdjson::SUCCESS) return {text};
  if (content.get(parts) != simdjson::SUCCESS) {
    fail(place, content, "text or a list of parts");
  }
  std::vector<std::string_view> texts;
  for (const element part : parts)
    texts.push_back(text_of_part({place, texts.size()}, part));
  return texts;
}

std::string joined(const std::vector<std::string_view>& texts) {
  return fmt::format("{}", fmt::join(texts, "\n"));
}

void write_content(JsonWriter& writer, const Place& place, element content, ContentFormat format) {
  const auto texts = texts_of(place, content);
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
void write_arguments(JsonWriter& writer, const Place& place, element arguments) {
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
    fail(place, arguments, "JSON text");
  }
}

// {"name": …, "arguments": "{…}"} with the arguments as JSON; none are {}.
void write_function(JsonWriter& writer, const Place& place, simdjson::dom::object function) {
  bool has_arguments = false;
  writer.begin_object();
  for (const auto [key, value] : function) {
    writer.key(key);
    if (key == "arguments") {
      write_arguments(writer, {place, key}, value);
      has_arguments = true;
    } else {
      writer.raw(simdjson::minify(value));
    }
  }
  if (!has_arguments) writer.key("arguments").raw("{}");
  writer.end_object();
}

void write_tool_call(JsonWriter& writer, const Place& place, element tool_call) {
  simdjson::dom::object fields;
  if (tool_call.get(fields) != simdjson::SUCCESS) fail(place, tool_call, "an object");
  writer.begin_object();
  for (const auto [key, value] : fields) {
    writer.key(key);
    simdjson::dom::object function;
    if (key == "function" && value.get(function) == simdjson::SUCCESS) {
      write_function(writer, {place, key}, function);
    } else {
      writer.raw(simdjson::minify(value));
    }
  }
  writer.end_object();
}

// No calls are no field: templates ask whether it is there.
void write_tool_calls(JsonWriter& writer, const Place& place, element value) {
  simdjson::dom::array tool_calls;
  if (value.get(tool_calls) != simdjson::SUCCESS) fail(place, value, "a list of calls");
  if (tool_calls.begin() == tool_calls.end()) return;
  writer.key("tool_calls").begin_array();
  size_t index = 0;
  for (const element tool_call : tool_calls)
    write_tool_call(writer, {place, index++}, tool_call);
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

void write_field(
    JsonWriter& writer,
    const Place& message,
    std::string_view key,
    element value,
    ContentFormat format
) {
  if (key == "content") {
    writer.key(key);
    write_content(writer, {message, key}, value, format);
  } else if (value.is_null() || key == "reasoning" || key == "reasoning_content") {
    return;
  } else if (key == "tool_calls") {
    write_tool_calls(writer, {message, key}, value);
  } else {
    writer.key(key).raw(simdjson::minify(value));
  }
}

void write_message(JsonWriter& writer, const Place& place, element message, ContentFormat format) {
  simdjson::dom::object fields;
  if (message.get(fields) != simdjson::SUCCESS) fail(place, message, "an object");
  bool has_content = false;
  writer.begin_object();
  for (const auto [key, value] : fields) {
    write_field(writer, place, key, value, format);
    has_content = has_content || key == "content";
  }
  if (!has_content) writer.key("content").raw(format == ContentFormat::kString ? "\"\"" : "[]");
  write_reasoning(writer, message);
  writer.end_object();
}

simdjson::dom::array parse_messages(simdjson::dom::parser& parser, std::string_view json) {
  simdjson::dom::array messages;
  if (parser.parse(json.data(), json.size()).get(messages) != simdjson::SUCCESS) {
    throw InvalidArgument(kField, "messages must be a JSON array of messages.");
  }
  return messages;
}

}  // namespace

std::string messages_for_template(std::string_view messages_json, ContentFormat format) {
  simdjson::dom::parser parser;
  std::string json;
  JsonWriter writer(json);
  writer.begin_array();
  const Place messages(kField);
  size_t index = 0;
  for (const element message : parse_messages(parser, messages_json))
    write_message(writer, {messages, index++}, message, format);
  writer.end_array();
  return json;
}

std::string final_message_text(std::string_view messages_json) {
  simdjson::dom::parser parser;
  const auto messages = parse_messages(parser, messages_json);
  if (messages.size() == 0) return {};
  const size_t last = messages.size() - 1;
  element content;
  if (messages.at(last)["content"].get(content) != simdjson::SUCCESS) return {};
  const Place list(kField);
  const Place message(list, last);
  return joined(texts_of({message, "content"}, content));
}

}  // namespace quire
