#include "server/openai/chat_request.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "quire/error.h"
#include "server/openai/tool_fields.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

// What the fields say before they are put together.
struct Reader {
  ChatRequest request;
  ToolFields tool_fields;
  std::optional<int> max_completion_tokens;
};

// The text of a message, for echo.
std::string text_of_content(element message) {
  element content;
  std::string_view text;
  simdjson::dom::array parts;
  if (message["content"].get(content) != simdjson::SUCCESS) return {};
  if (content.get(text) == simdjson::SUCCESS) return std::string(text);
  if (content.get(parts) != simdjson::SUCCESS) return {};
  std::string joined;
  for (const element part : parts) {
    if (part["text"].get(text) != simdjson::SUCCESS) continue;
    if (!joined.empty()) joined += '\n';
    joined += text;
  }
  return joined;
}

void read_messages(Reader& reader, const RequestValue& value) {
  size_t index = 0;
  for (const element entry : value.array()) {
    const RequestValue message(entry, index++, value);
    reader.request.last_role = message.required("role").text();
    reader.request.last_content.clear();
  }
  if (index == 0) throw InvalidArgument("messages", "messages cannot be empty.");
  reader.request.last_content = text_of_content(value.array().at(index - 1).value());
  reader.request.call.messages_json = value.minified();
}

void read_tools(Reader& reader, const RequestValue& value) {
  reader.tool_fields.tools = value;
}

void read_tool_choice(Reader& reader, const RequestValue& value) {
  reader.tool_fields.tool_choice = value;
}

void read_response_format(Reader&, const RequestValue& value) {
  const std::string_view type = value.required("type").text();
  if (type == "text") return;
  throw InvalidArgument(
      "response_format",
      fmt::format(
          "response_format of type '{}' is not supported. Constrained output is not supported yet: "
          "leave it out, ask for the format in the prompt and check the answer.",
          type.substr(0, 40)
      )
  );
}

void read_template_kwargs(Reader& reader, const RequestValue& value) {
  for (const auto [name, ignored] : value.object()) {
    if (name != "chat_template" && name != "tokenize" && name != "messages" && name != "tools") {
      continue;
    }
    throw InvalidArgument(
        "chat_template_kwargs",
        fmt::format("Found unexpected chat template kwargs from request: {{'{}'}}", name)
    );
  }
  reader.request.call.chat_template_kwargs_json = value.minified();
}

void read_documents(Reader& reader, const RequestValue& value) {
  size_t index = 0;
  for (const element document : value.array())
    (void)RequestValue(document, index++, value).object();
  reader.request.call.documents_json = value.minified();
}

void read_reasoning_effort(Reader& reader, const RequestValue& value) {
  constexpr std::string_view kEfforts[] = {
      "none", "minimal", "low", "medium", "high", "xhigh", "max"};
  const std::string_view effort = value.text();
  if (std::ranges::find(kEfforts, effort) == std::end(kEfforts)) {
    value.fail_as(
        "literal_error",
        "Input should be none, minimal, low, medium, high, xhigh or max",
        "{'expected': 'none, minimal, low, medium, high, xhigh or max'}"
    );
  }
  reader.request.call.reasoning_effort = effort;
}

void read_max_completion_tokens(Reader& reader, const RequestValue& value) {
  value.read(reader.max_completion_tokens);
}

template <auto kMember>
void read_member(Reader& reader, const RequestValue& value) {
  value.read(reader.request.*kMember);
}

template <auto kMember>
void read_call_member(Reader& reader, const RequestValue& value) {
  value.read(reader.request.call.*kMember);
}

struct Field {
  std::string_view name;
  void (*read)(Reader& reader, const RequestValue& value);
};

constexpr Field kFields[] = {
    {"messages", read_messages},
    {"tools", read_tools},
    {"tool_choice", read_tool_choice},
    {"parallel_tool_calls", read_member<&ChatRequest::parallel_tool_calls>},
    {"logprobs", read_member<&ChatRequest::logprobs>},
    {"top_logprobs", read_member<&ChatRequest::top_logprobs>},
    {"max_completion_tokens", read_max_completion_tokens},
    {"response_format", read_response_format},
    {"add_generation_prompt", read_call_member<&ChatCall::add_generation_prompt>},
    {"continue_final_message", read_call_member<&ChatCall::continue_final_message>},
    {"chat_template", read_call_member<&ChatCall::chat_template>},
    {"chat_template_kwargs", read_template_kwargs},
    {"documents", read_documents},
    {"reasoning_effort", read_reasoning_effort},
    {"include_reasoning", read_member<&ChatRequest::include_reasoning>},
};

bool read_chat_field(Reader& reader, const RequestValue& value, UnknownFields& unknown_fields) {
  for (const Field& field : kFields) {
    if (field.name != value.name()) continue;
    if (!value.is_null()) field.read(reader, value);
    return true;
  }
  return read_common_field(reader.request.common, value, unknown_fields);
}

void finish_logprobs(ChatRequest& request) {
  if (request.top_logprobs < -1) {
    throw InvalidArgument("top_logprobs", "`top_logprobs` must be a positive value or -1.");
  }
  if (request.top_logprobs != 0 && !request.logprobs) {
    throw InvalidArgument(
        "top_logprobs", "when using `top_logprobs`, `logprobs` must be set to true."
    );
  }
  if (request.logprobs) request.common.params.logprobs = request.top_logprobs;
}

void check_messages(const ChatRequest& request) {
  if (request.call.messages_json.empty()) {
    throw_validation_error("missing", "'messages'", "Field required", "{}", "", "messages");
  }
  if (request.call.continue_final_message && request.call.add_generation_prompt) {
    throw InvalidArgument(
        "continue_final_message",
        "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
    );
  }
}

}  // namespace

ChatRequest parse_chat_request(
    const std::string& body, const SamplingParams& defaults, UnknownFields& unknown_fields
) {
  const JsonBody json(body);
  Reader reader;
  ChatRequest& request = reader.request;
  request.common.params = defaults;
  request.common.add_special_tokens = false;  // the template has written them
  for (const auto [name, value] : json.fields()) {
    if (!read_chat_field(reader, {value, name}, unknown_fields)) unknown_fields.add(name);
  }
  check_messages(request);
  ToolUse tool_use = resolve_tool_use(reader.tool_fields);
  request.call.tools_json = std::move(tool_use.tools_json);
  request.call.may_call_tools = tool_use.may_call_tools;
  request.has_tools_switched_off = tool_use.is_switched_off;
  if (reader.max_completion_tokens) request.common.max_tokens = reader.max_completion_tokens;
  finish_common_request(request.common, std::nullopt);
  finish_logprobs(request);
  return std::move(reader.request);
}

ChatCall make_chat_call(const ChatRequest& request, std::string request_id) {
  ChatCall call = request.call;
  call.request_id = std::move(request_id);
  call.add_special_tokens = request.common.add_special_tokens;
  call.truncation = request.common.truncation;
  call.cache_salt = request.common.cache_salt;
  call.priority = request.common.priority;
  call.max_tokens = request.common.max_tokens;
  call.params = request.common.params;
  return call;
}

}  // namespace quire::server
