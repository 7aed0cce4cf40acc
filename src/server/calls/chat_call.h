#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/async_engine.h"
#include "server/calls/engine_request.h"
#include "server/handler.h"
#include "server/message_parser.h"
#include "server/server_state.h"

namespace quire::server {

// A conversation to go on with, whichever endpoint it came by.
struct ChatCall {
  std::string request_id;  // "chatcmpl-…"
  std::string messages_json;  // a JSON array, in the shape of /v1/chat/completions
  // A JSON array of {"type": "function", "function": {name, description, parameters}}, which the
  // template shows; empty: none.
  std::string tools_json;
  bool may_call_tools = false;  // tool_choice auto: needs tools and ServerState::tool_call_parser
  bool add_generation_prompt = true;
  bool continue_final_message = false;  // the model goes on with the last message
  bool add_special_tokens = false;  // the template has written them already
  std::string chat_template;  // Jinja, instead of the model's; empty: the model's
  std::string chat_template_kwargs_json;  // a JSON object: more variables of the template; or empty
  std::string documents_json;  // a JSON array, which the template shows; or empty
  std::string reasoning_effort;  // none, low, medium, high …; empty: not said
  Truncation truncation;
  std::string cache_salt;
  int priority = 0;
  std::optional<int> max_tokens;  // none: what the model's length leaves
  SamplingParams params;  // its max_tokens does not count
};

struct RenderedChat {
  Prompt prompt;  // text and token ids
  MessageFormat format;  // of the answer's text
  SamplingParams params;  // complete
};

struct StartedChat {
  std::shared_ptr<RequestStream> stream;
  RenderedChat rendered;
};

// The conversation as the model sees it. Throws InvalidArgument.
Prompt render_messages(const ServerState& state, const ChatCall& call);

// Checks the conversation and renders it. Throws InvalidArgument or ApiError.
RenderedChat render_chat(const ServerState& state, const ChatCall& call);

// Renders the conversation and hands it to the engine. Throws InvalidArgument or ApiError.
StartedChat start_chat(const ServerState& state, const ChatCall& call, const CallContext& context);

}  // namespace quire::server
