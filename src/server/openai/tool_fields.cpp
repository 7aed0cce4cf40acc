#include "server/openai/tool_fields.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "quire/error.h"
#include "server/requests/common_request.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

constexpr const char* kCorrectUsage =
    R"(Correct usage: `{"type": "function", "function": {"name": "my_function"}}`)";

[[noreturn]] void refuse_choice(const std::string& message) {
  throw InvalidArgument("tool_choice", message);
}

// Members that a tool need not have are null, and come before those that nobody knows: what
// templates show of a tool does not depend on how it was sent.
void write_function(JsonWriter& writer, const RequestValue& function) {
  writer.begin_object().field("name", function.required("name").text());
  for (const char* name : {"description", "parameters"}) {
    element value;
    const bool is_given = function.object().at_key(name).get(value) == simdjson::SUCCESS;
    writer.key(name).raw(is_given ? simdjson::minify(value) : "null");
    if (!is_given || value.is_null()) continue;
    const RequestValue member(value, name, function);
    std::string_view(name) == "description" ? (void)member.text() : (void)member.object();
  }
  for (const auto [name, value] : function.object()) {
    if (name == "name" || name == "description" || name == "parameters") continue;
    writer.key(name).raw(simdjson::minify(value));
  }
  writer.end_object();
}

void write_tool(JsonWriter& writer, const RequestValue& tool) {
  element type;
  if (tool.object().at_key("type").get(type) == simdjson::SUCCESS) {
    const RequestValue value(type, "type", tool);
    if (value.text() != "function") {
      value.fail_as(
          "literal_error", "Input should be \\'function\\'", R"({'expected': "'function'"})"
      );
    }
  }
  writer.begin_object().field("type", "function").key("function");
  write_function(writer, tool.required("function"));
  for (const auto [name, value] : tool.object()) {
    if (name != "type" && name != "function") writer.key(name).raw(simdjson::minify(value));
  }
  writer.end_object();
}

std::string tools_json(const RequestValue& tools) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_array();
  size_t index = 0;
  for (const element tool : tools.array())
    write_tool(writer, {tool, index++, tools});
  writer.end_array();
  return json;
}

bool has_function(const RequestValue& tools, std::string_view name) {
  for (const element tool : tools.array()) {
    std::string_view tool_name;
    const auto found = tool["function"]["name"].get(tool_name);
    if (found == simdjson::SUCCESS && tool_name == name) return true;
  }
  return false;
}

void check_named_choice(const RequestValue& tools, const RequestValue& choice) {
  element function;
  element name;
  const auto object = choice.object();
  if (object.at_key("function").get(function) != simdjson::SUCCESS || !function.is_object()) {
    refuse_choice(fmt::format("Expected field `function` in `tool_choice`. {}", kCorrectUsage));
  }
  if (function["name"].get(name) != simdjson::SUCCESS) {
    refuse_choice(
        fmt::format("Expected field `name` in `function` in `tool_choice`! {}", kCorrectUsage)
    );
  }
  if (!name.is_string() || name.get_string_length().value_unsafe() == 0) {
    refuse_choice(fmt::format(
        "Invalid `name` in `function`: `{}` in `tool_choice`! {}",
        simdjson::minify(name).substr(0, 60),
        kCorrectUsage
    ));
  }
  if (!has_function(tools, name.get_string().value_unsafe())) {
    refuse_choice("The tool specified in `tool_choice` does not match any of the specified `tools`"
    );
  }
}

// Named tools and `required` need constrained output.
void check_choice(const RequestValue& tools, const RequestValue& choice) {
  std::string_view name;
  const bool is_text = choice.json().get(name) == simdjson::SUCCESS;
  if (is_text && name == "auto") return;
  if (choice.json().is_object()) {
    check_named_choice(tools, choice);
  } else if (!is_text || name != "required") {
    refuse_choice(fmt::format(
        "Invalid value for `tool_choice`: {}! Only named tools, \"none\", \"auto\" or \"required\" "
        "are supported.",
        is_text ? std::string(name.substr(0, 60)) : choice.minified().substr(0, 60)
    ));
  }
  refuse_choice(
      "tool_choice \"required\" and named tools need constrained output, which is not supported "
      "yet: use \"auto\" and say in the prompt which tool to call."
  );
}

bool is_word(const std::optional<RequestValue>& value, std::string_view word) {
  std::string_view text;
  return value && value->json().get(text) == simdjson::SUCCESS && text == word;
}

}  // namespace

ToolUse resolve_tool_use(const ToolFields& fields) {
  ToolUse use;
  use.is_switched_off = is_word(fields.tool_choice, "none");
  if (!fields.tools) {
    if (fields.tool_choice && !use.is_switched_off) {
      refuse_choice("When using `tool_choice`, `tools` must be set.");
    }
    return use;
  }
  if (fields.tools->array().size() == 0) {
    if (use.is_switched_off) return use;
    throw InvalidArgument(
        "tools",
        "`tools` must not be an empty array. Either give at least one tool or leave the field out."
    );
  }
  use.tools_json = tools_json(*fields.tools);
  if (fields.tool_choice && !use.is_switched_off) check_choice(*fields.tools, *fields.tool_choice);
  use.may_call_tools = !use.is_switched_off;
  return use;
}

}  // namespace quire::server
