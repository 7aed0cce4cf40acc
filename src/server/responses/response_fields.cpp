#include "server/responses/response_fields.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>

#include "server/requests/common_request.h"
#include "server/responses/input_items.h"

namespace quire::server {
namespace {

constexpr int kMaxInt = std::numeric_limits<int>::max();
constexpr int kMaxTopLogprobs = 20;

void write_given(JsonWriter& writer, const RequestValue& body, std::string_view name) {
  writer.key(name);
  if (const auto value = body.find(name)) {
    writer.raw(value->minified());
  } else {
    writer.null();
  }
}

void write_text_or(
    JsonWriter& writer, const RequestValue& body, std::string_view name, std::string_view otherwise
) {
  writer.field(name, body.text(name).value_or(otherwise));
}

void write_reasoning(JsonWriter& writer, const ResponseRequest& request) {
  writer.key("reasoning").begin_object().key("effort");
  if (request.call.reasoning_effort.empty()) {
    writer.null();
  } else {
    writer.value(request.call.reasoning_effort);
  }
  writer.key("summary").null().end_object();
}

// Fields of this API; they have readers of their own.
constexpr std::string_view kOwnFields[] = {
    "background",
    "chat_template_kwargs",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "structured_outputs",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
};
// Those of them that are objects with members of their own.
struct Object {
  std::string_view name;
  std::span<const std::string_view> members;
};
constexpr std::string_view kReasoning[] = {"effort", "generate_summary", "summary"};
constexpr std::string_view kStreamOptions[] = {"include_obfuscation"};
constexpr std::string_view kText[] = {"format", "verbosity"};
constexpr Object kOwnObjects[] = {
    {"reasoning", kReasoning}, {"stream_options", kStreamOptions}, {"text", kText}};
// Fields of /v1/chat/completions that mean the same here.
constexpr std::string_view kSharedFields[] = {
    "allowed_token_ids",
    "bad_words",
    "cache_salt",
    "frequency_penalty",
    "ignore_eos",
    "include_stop_str_in_output",
    "logit_bias",
    "min_p",
    "min_tokens",
    "presence_penalty",
    "priority",
    "repetition_detection",
    "repetition_penalty",
    "seed",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "stop",
    "stop_token_ids",
    "top_k",
};

void read_further_fields(
    const RequestValue& body, UnknownFields& unknown_fields, CommonRequest& common, ChatCall& call
) {
  for (const auto [name, value] : body.object()) {
    if (std::ranges::find(kSharedFields, name) != std::end(kSharedFields)) {
      read_common_field(common, RequestValue(value, name), unknown_fields);
    } else if (std::ranges::find(kOwnFields, name) == std::end(kOwnFields)) {
      unknown_fields.add(name);
    }
  }
  for (const Object& known : kOwnObjects) {
    if (const auto object = body.object(known.name))
      unknown_fields.add_members(*object, known.members);
  }
  if (const auto kwargs = body.object("chat_template_kwargs")) {
    call.chat_template_kwargs_json = kwargs->minified();
  }
}

void read_truncation(const RequestValue& body, ChatCall& call) {
  const std::string_view truncation = body.text("truncation").value_or("disabled");
  if (truncation == "auto") {
    call.truncation.truncate_prompt_tokens = -1;
  } else if (truncation != "disabled") {
    body.fail("truncation", "must be auto or disabled");
  }
}

}  // namespace

void read_response_sampling(
    const RequestValue& body,
    const SamplingParams& defaults,
    UnknownFields& unknown_fields,
    ResponseRequest& request
) {
  CommonRequest common;
  common.params = defaults;
  read_further_fields(body, unknown_fields, common, request.call);
  ChatCall& call = request.call;
  if (const auto value = body.number("temperature", 0, 2)) common.params.temperature = *value;
  if (const auto value = body.number("top_p", 0, 1)) common.params.top_p = *value;
  if (const auto value = body.integer("max_output_tokens", 1, kMaxInt)) {
    call.max_tokens = static_cast<int>(*value);
  }
  const auto top_logprobs = body.integer("top_logprobs", 0, kMaxTopLogprobs);
  if (top_logprobs.value_or(0) > 0 && !request.wants_logprobs) {
    body.fail("top_logprobs", "needs include: [\"message.output_text.logprobs\"]");
  }
  if (request.wants_logprobs) common.params.logprobs = static_cast<int>(top_logprobs.value_or(0));
  read_truncation(body, call);
  finish_common_request(common, std::nullopt);
  call.params = common.params;
  call.cache_salt = common.cache_salt;
  call.priority = common.priority;
}

std::string response_request_members(const RequestValue& body, const ResponseRequest& request) {
  std::string members;
  JsonWriter writer(members, JsonSpacing::kCompact);
  write_given(writer, body, "instructions");
  write_given(writer, body, "max_output_tokens");
  write_given(writer, body, "max_tool_calls");
  writer.key("metadata");
  const auto metadata = body.object("metadata");
  writer.raw(metadata ? metadata->minified() : "{}");
  writer.field("parallel_tool_calls", request.parallel_tool_calls);
  write_given(writer, body, "previous_response_id");
  write_given(writer, body, "prompt_cache_key");
  write_reasoning(writer, request);
  write_given(writer, body, "safety_identifier");
  writer.field("background", false).field("service_tier", "default");
  writer.field("temperature", request.call.params.temperature);
  writer.key("text").raw(R"({"format": {"type": "text"}, "verbosity": "medium"})");
  write_text_or(writer, body, "tool_choice", "auto");
  writer.key("tools").raw(response_tools_json(body));
  writer.field("top_logprobs", request.call.params.logprobs.value_or(0));
  writer.field("top_p", request.call.params.top_p);
  write_text_or(writer, body, "truncation", "disabled");
  // Not null: clients take a text or nothing.
  if (const auto user = body.text("user")) writer.field("user", *user);
  return members;
}

}  // namespace quire::server
