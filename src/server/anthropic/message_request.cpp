#include "server/anthropic/message_request.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "server/anthropic/content_blocks.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

constexpr int kMaxInt = std::numeric_limits<int>::max();
constexpr std::string_view kFields[] = {
    "container",
    "max_tokens",
    "mcp_servers",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
};

void write_tool(JsonWriter& writer, const RequestValue& tool) {
  const std::string_view type = tool.text("type").value_or("custom");
  if (type != "custom") {
    tool.fail("type", fmt::format("'{}' is not supported: only tools of your own are", type));
  }
  const std::string_view name = tool.required_text("name");
  if (name.empty()) tool.fail("name", "must not be empty");
  tool.required("input_schema");
  writer.begin_object().field("type", "function").key("function");
  writer.begin_object().field("name", name);
  writer.key("description");  // always there: templates show tools alike however they were sent
  if (const auto description = tool.text("description")) {
    writer.value(*description);
  } else {
    writer.null();
  }
  writer.key("parameters").raw(tool.object("input_schema")->minified());
  writer.end_object().end_object();
}

std::string tools_json(const RequestValue& body) {
  const auto tools = body.array("tools");
  if (!tools || tools->size() == 0) return {};
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_array();
  size_t index = 0;
  for (const element tool : *tools)
    write_tool(writer, RequestValue(tool, "tools", index++, body));
  writer.end_array();
  return json;
}

void read_tool_choice(const RequestValue& body, MessagesPrompt& prompt) {
  prompt.calls_tools = !prompt.tools_json.empty();
  const auto choice = body.object("tool_choice");
  if (!choice) return;
  const std::string_view type = choice->required_text("type");
  if (type == "any" || type == "tool") {
    choice->fail(
        "type",
        fmt::format("'{}' needs structured output, which is not there yet: use auto or none", type)
    );
  }
  if (type != "auto" && type != "none") {
    choice->fail("type", fmt::format("must be auto or none, got '{}'", type));
  }
  if (prompt.tools_json.empty() && type != "none") {
    body.fail("tool_choice", "needs tools");
  }
  prompt.calls_tools = prompt.calls_tools && type == "auto";
  prompt.parallel_tool_calls = !choice->boolean("disable_parallel_tool_use").value_or(false);
}

std::optional<bool> read_thinking(const RequestValue& body, bool has_reasoning) {
  const auto thinking = body.object("thinking");
  if (!thinking) return std::nullopt;
  const std::string_view type = thinking->required_text("type");
  if (type == "disabled") return false;
  if (type != "enabled" && type != "adaptive") {
    thinking->fail("type", fmt::format("must be enabled, adaptive or disabled, got '{}'", type));
  }
  if (!has_reasoning) {
    body.fail("thinking", "needs a model that thinks: start the server with --reasoning-parser");
  }
  thinking->integer("budget_tokens", 1, kMaxInt);
  return true;
}

std::vector<std::string> read_stop_sequences(const RequestValue& body) {
  std::vector<std::string> stops;
  const auto entries = body.array("stop_sequences");
  if (!entries) return stops;
  for (const element entry : *entries) {
    std::string_view text;
    if (entry.get(text) != simdjson::SUCCESS || text.empty()) {
      body.fail("stop_sequences", "must be a list of strings that are not empty");
    }
    stops.emplace_back(text);
  }
  return stops;
}

void check_service_tier(const RequestValue& body) {
  const std::string_view tier = body.text("service_tier").value_or("auto");
  if (tier == "auto" || tier == "standard_only") return;
  body.fail("service_tier", fmt::format("must be auto or standard_only, got '{}'", tier));
}

void refuse_output_format(const RequestValue& body) {
  const auto config = body.object("output_config");
  if (config && config->find("format")) {
    config->fail("format", "needs structured output, which is not there yet: leave it away");
  }
  for (const char* name : {"mcp_servers", "container"}) {
    const auto value = body.find(name);
    if (value && !(value->json().is_array() && body.array(name)->size() == 0)) {
      body.fail(name, "is not supported: this server runs no tools of its own");
    }
  }
}

void add_unknown_fields(const RequestValue& body, UnknownFields& unknown_fields) {
  for (const auto [name, value] : body.object())
    if (std::ranges::find(kFields, name) == std::end(kFields)) unknown_fields.add(name);
  constexpr std::string_view kThinking[] = {"budget_tokens", "type"};
  constexpr std::string_view kToolChoice[] = {"disable_parallel_tool_use", "name", "type"};
  constexpr std::string_view kOutputConfig[] = {"format"};
  if (const auto thinking = body.object("thinking"))
    unknown_fields.add_members(*thinking, kThinking);
  if (const auto choice = body.object("tool_choice"))
    unknown_fields.add_members(*choice, kToolChoice);
  if (const auto config = body.object("output_config"))
    unknown_fields.add_members(*config, kOutputConfig);
}

}  // namespace

MessagesPrompt parse_messages_prompt(
    const RequestValue& body, bool has_reasoning, UnknownFields& unknown_fields
) {
  add_unknown_fields(body, unknown_fields);
  refuse_output_format(body);
  check_service_tier(body);
  MessagesPrompt prompt;
  prompt.model = body.required_text("model");
  ChatMessagesWriter messages;
  add_system(messages, body);
  add_messages(messages, body);
  prompt.continue_final_message = messages.ends_with_assistant();
  prompt.messages_json = messages.finish();
  prompt.tools_json = tools_json(body);
  read_tool_choice(body, prompt);
  prompt.enable_thinking = read_thinking(body, has_reasoning);
  return prompt;
}

MessagesRequest parse_messages_request(
    const RequestValue& body, bool has_reasoning, UnknownFields& unknown_fields
) {
  MessagesRequest request;
  request.prompt = parse_messages_prompt(body, has_reasoning, unknown_fields);
  request.stream = body.boolean("stream").value_or(false);
  body.required("max_tokens");
  request.max_tokens = static_cast<int>(*body.integer("max_tokens", 1, kMaxInt));
  request.temperature = body.number("temperature", 0, 2);
  request.top_p = body.number("top_p", 0, 1);
  if (const auto top_k = body.integer("top_k", 0, kMaxInt)) {
    request.top_k = static_cast<int>(*top_k);
  }
  request.stop_sequences = read_stop_sequences(body);
  return request;
}

}  // namespace quire::server
