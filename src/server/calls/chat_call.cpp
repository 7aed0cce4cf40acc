#include "server/calls/chat_call.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"
#include "quire/error.h"
#include "quire/request_json.h"
#include "quire/tokenizer.h"
#include "server/api_error.h"
#include "server/requests/common_request.h"

namespace quire::server {
namespace {

// Variables of a template: {name, JSON}, each name once.
using TemplateVariables = std::vector<std::pair<std::string, std::string>>;

void set_variable(TemplateVariables& variables, std::string_view name, std::string json) {
  const auto found = std::ranges::find(
      variables, name, [](const auto& variable) -> std::string_view { return variable.first; }
  );
  if (found != variables.end()) {
    found->second = std::move(json);
  } else {
    variables.emplace_back(name, std::move(json));
  }
}

void set_variables(TemplateVariables& variables, const std::string& json_object) {
  if (json_object.empty()) return;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json_object).get(object) != simdjson::SUCCESS) {
    throw InvalidArgument("chat_template_kwargs", "chat_template_kwargs must be a JSON object.");
  }
  for (const auto [name, value] : object)
    set_variable(variables, name, simdjson::minify(value));
}

size_t count_entries(const std::string& json_array) {
  if (json_array.empty()) return 0;
  simdjson::dom::parser parser;
  return parser.parse(json_array).get_array().value().size();
}

void check_limits(const ChatCall& call) {
  check_count("messages", count_entries(call.messages_json), kMaxMessages);
  check_count("tools", count_entries(call.tools_json), kMaxTools);
  check_count("stop", call.params.stop.size(), kMaxStopStrings);
}

std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

// What a request says outdoes the defaults; its chat_template_kwargs outdo its other fields.
std::string template_kwargs(const ServerState& state, const ChatCall& call) {
  TemplateVariables variables;
  set_variables(variables, state.config.default_chat_template_kwargs.value_or(""));
  if (!call.reasoning_effort.empty()) {
    set_variable(variables, "reasoning_effort", json_string(call.reasoning_effort));
    if (call.reasoning_effort == "none") set_variable(variables, "enable_thinking", "false");
  }
  if (!call.documents_json.empty()) set_variable(variables, "documents", call.documents_json);
  set_variables(variables, call.chat_template_kwargs_json);
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  for (const auto& [name, value] : variables)
    writer.key(name).raw(value);
  writer.end_object();
  return json;
}

// nullptr: the model's own.
std::shared_ptr<const ChatTemplate> own_template(const ServerState& state, const ChatCall& call) {
  if (call.chat_template.empty()) return nullptr;
  if (!state.config.trust_request_chat_template) {
    throw InvalidArgument(
        "chat_template",
        "Chat template is passed with request, but --trust-request-chat-template is not set. "
        "Refused request with untrusted chat template."
    );
  }
  return ChatTemplate::from_source(call.chat_template, state.engine.tokenizer().get());
}

MessageFormat message_format(
    const ServerState& state, const ChatCall& call, const std::string& prompt
) {
  MessageFormat format;
  if (call.may_call_tools) {
    format.tool_call_parser = state.tool_call_parser;
    format.tools_json = call.tools_json;
  }
  format.reasoning_parser = state.reasoning_parser;
  return after_prompt(std::move(format), prompt);
}

}  // namespace

Prompt render_messages(const ServerState& state, const ChatCall& call) {
  check_limits(call);
  const std::shared_ptr<const ChatTemplate> chat_template = own_template(state, call);
  ChatOptions options;
  options.add_generation_prompt = call.add_generation_prompt;
  options.continue_final_message = call.continue_final_message;
  options.tools_json = call.tools_json;
  options.chat_template_kwargs_json = template_kwargs(state, call);
  options.chat_template = chat_template.get();
  options.content_format = state.content_format;
  options.add_special_tokens = call.add_special_tokens;
  Prompt prompt = render_messages_json(state.engine, call.messages_json, options);
  prompt.cache_salt = call.cache_salt;
  truncate_prompt(state, call.truncation, call.max_tokens, prompt);
  return prompt;
}

RenderedChat render_chat(const ServerState& state, const ChatCall& call) {
  if (call.may_call_tools && state.tool_call_parser.empty()) {
    throw InvalidArgument(
        "tool_choice",
        "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"
    );
  }
  RenderedChat rendered;
  rendered.prompt = render_messages(state, call);
  rendered.format = message_format(state, call, rendered.prompt.text);
  rendered.params = call.params;
  rendered.params.max_tokens =
      resolve_max_tokens(state, rendered.prompt.token_ids.size(), call.max_tokens);
  if (needs_special_tokens(rendered.format)) rendered.params.skip_special_tokens = false;
  return rendered;
}

StartedChat start_chat(const ServerState& state, const ChatCall& call, const CallContext& context) {
  StartedChat started{.rendered = render_chat(state, call)};
  started.stream = add_request(
      state,
      {.answer = call.request_id, .engine = call.request_id},
      started.rendered.prompt,
      started.rendered.params,
      call.priority,
      context
  );
  return started;
}

}  // namespace quire::server
