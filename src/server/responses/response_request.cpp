#include "server/responses/response_request.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "quire/error.h"
#include "server/responses/input_items.h"
#include "server/responses/response_fields.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

constexpr const char* kNeedsStructuredOutput =
    "needs structured output, which is not there yet: leave it away";

// Fields of the API that ask for what this server does not have.
struct Refusal {
  const char* name;
  const char* sentence;
};
constexpr std::array kRefusals = {
    Refusal{"conversation", "is not supported: send the whole conversation as input"},
    Refusal{"prompt", "is not supported: templates of prompts are not stored here, send input"},
    Refusal{"context_management", "is not supported: shorten the input instead"},
    Refusal{"moderation", "is not supported: call a moderation service of your own"},
    Refusal{"structured_outputs", kNeedsStructuredOutput},
};

std::string text_or(const RequestValue& body, std::string_view name, std::string_view otherwise) {
  return std::string(body.text(name).value_or(otherwise));
}

void require_one_of(
    const RequestValue& body,
    std::string_view name,
    std::initializer_list<std::string_view> allowed,
    std::string_view what
) {
  const auto value = body.text(name);
  if (!value || std::find(allowed.begin(), allowed.end(), *value) != allowed.end()) return;
  body.fail(name, fmt::format("'{}' is not supported: {}", *value, what));
}

void refuse_what_is_missing(const RequestValue& body) {
  for (const Refusal& refusal : kRefusals) {
    if (body.find(refusal.name)) body.fail(refusal.name, refusal.sentence);
  }
  if (body.boolean("background").value_or(false)) {
    body.fail("background", "is not supported: use stream, or wait for the answer");
  }
  require_one_of(body, "service_tier", {"auto", "default"}, "there is one tier, default");
  require_one_of(body, "prompt_cache_retention", {"in_memory"}, "prompts are cached in memory");
  if (const auto options = body.object("stream_options")) {
    if (options->boolean("include_obfuscation").value_or(false)) {
      options->fail("include_obfuscation", "is not supported: set it to false");
    }
  }
  if (const auto text = body.object("text")) {
    require_one_of(*text, "verbosity", {"medium"}, "ask for it in the instructions");
    const auto format = text->object("format");
    if (format && format->required_text("type") != "text") {
      format->fail("type", kNeedsStructuredOutput);
    }
  }
}

bool read_include(const RequestValue& body) {
  bool wants_logprobs = false;
  const auto entries = body.array("include");
  if (!entries) return false;
  for (const element entry : *entries) {
    std::string_view name;
    if (entry.get(name) != simdjson::SUCCESS) body.fail("include", "must be a list of strings");
    // Thoughts are sent as they are: there is nothing to encrypt.
    if (name == "reasoning.encrypted_content") continue;
    if (name != "message.output_text.logprobs") {
      body.fail(
          "include", fmt::format("'{}' is not supported: message.output_text.logprobs is", name)
      );
    }
    wants_logprobs = true;
  }
  return wants_logprobs;
}

// Returns whether the model may call tools.
bool read_tool_choice(const RequestValue& body, bool has_tools) {
  const auto choice = body.find("tool_choice");
  if (!choice) return has_tools;
  if (!choice->json().is_string()) body.fail("tool_choice", kNeedsStructuredOutput);
  const std::string_view name = *body.text("tool_choice");
  if (name == "required")
    body.fail("tool_choice", fmt::format("'{}' {}", name, kNeedsStructuredOutput));
  if (name != "auto" && name != "none") {
    body.fail("tool_choice", fmt::format("must be auto or none, got '{}'", name));
  }
  return has_tools && name == "auto";
}

void read_reasoning(const RequestValue& body, ChatCall& call) {
  const auto reasoning = body.object("reasoning");
  if (!reasoning) return;
  require_one_of(
      *reasoning,
      "effort",
      {"none", "minimal", "low", "medium", "high", "xhigh", "max"},
      "none, minimal, low, medium, high, xhigh and max are"
  );
  call.reasoning_effort = text_or(*reasoning, "effort", "");
  for (const char* name : {"summary", "generate_summary"})
    require_one_of(*reasoning, name, {"auto"}, "thoughts come whole, as content");
}

void read_metadata(const RequestValue& body) {
  const auto metadata = body.object("metadata");
  if (!metadata) return;
  if (metadata->object().size() > 16) body.fail("metadata", "must have at most 16 entries");
  for (const auto [key, value] : metadata->object()) {
    if (!value.is_string()) metadata->fail(key, "must be a string");
  }
}

}  // namespace

ResponseRequest parse_response_request(
    const RequestValue& body, const SamplingParams& defaults, UnknownFields& unknown_fields
) {
  refuse_what_is_missing(body);
  ResponseRequest request;
  request.model = text_or(body, "model", "");
  ChatMessagesWriter messages;
  add_input_items(messages, body);
  request.call.messages_json = messages.finish();
  request.call.tools_json = chat_tools_json(body);
  request.call.may_call_tools = read_tool_choice(body, !request.call.tools_json.empty());
  request.parallel_tool_calls = body.boolean("parallel_tool_calls").value_or(true);
  request.stream = body.boolean("stream").value_or(false);
  request.store = body.boolean("store");
  if (const auto text = body.text("instructions")) request.instructions = *text;
  if (const auto id = body.text("previous_response_id")) request.previous_response_id = *id;
  request.wants_logprobs = read_include(body);
  read_reasoning(body, request.call);
  read_metadata(body);
  read_response_sampling(body, defaults, unknown_fields, request);
  request.request_members = response_request_members(body, request);
  return request;
}

}  // namespace quire::server
