#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "quire/api.h"
#include "quire/llm.h"
#include "quire/request_output.h"
#include "quire/sampling_params.h"

namespace QUIRE_API quire {

// One request of an input file.
struct ParsedRequest {
  std::optional<std::string> request_id;
  Prompt prompt;  // text or token ids, unless messages_json is set; cache_salt in any case
  std::string messages_json;  // a JSON array of messages; empty: none
  ChatOptions chat;  // how to render them
  SamplingParams params;  // validated
  int priority = 0;
};

// Reads one JSON object: exactly one of `prompt` (text), `prompt_token_ids` and `messages`; with
// messages also `tools`, `chat_template_kwargs`, `add_generation_prompt` and
// `continue_final_message`; `request_id`, `priority`, `cache_salt`; and any field of
// SamplingParams, over `defaults`. null counts as not given, which for max_tokens, seed and other
// optional fields means none.
//
// Throws InvalidArgument with the field's name ("request" for text that is no JSON object) for
// wrong types, numbers out of range, combinations that cannot be, and unknown fields: a misspelt
// name is never passed over.
ParsedRequest parse_request_json(std::string_view line, const SamplingParams& defaults);

// A JSON object of {token id: bias}, as in SamplingParams::logit_bias. Throws InvalidArgument
// "logit_bias".
std::map<int32_t, float> parse_logit_bias_json(std::string_view json);

// Renders a conversation, a JSON array of messages as clients send them: content is a string or a
// list of text parts, arguments of tool calls are JSON text. Throws InvalidArgument, with
// "messages" for what is not text and for arguments that are no JSON.
Prompt render_messages_json(
    const AsyncEngine& engine, std::string_view messages_json, const ChatOptions& options
);

// The prompt to hand to AsyncEngine::add_request: messages rendered with the engine's chat
// template, anything else as it is. Throws InvalidArgument.
Prompt make_prompt(const AsyncEngine& engine, const ParsedRequest& request);

// Appends the output as one JSON object on one line, in the shape of vLLM's RequestOutput. logprobs
// are a list of {token id: {logprob, rank, decoded_token}}; a logprob of -infinity is written as
// -9999, which JSON can hold.
void append_request_output_json(std::string& out, const RequestOutput& output);

}  // namespace quire
