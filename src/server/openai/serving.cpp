#include "server/openai/serving.h"

#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "quire/error.h"
#include "quire/tokenizer.h"
#include "server/openai/chat_answer.h"
#include "server/openai/completion_answer.h"

namespace quire::server {
namespace {

AnswerHead make_head(const ServerState& state, std::string id) {
  AnswerHead head;
  head.id = std::move(id);
  head.created = static_cast<int64_t>(wall_time());
  head.model = state.model_names.front();
  head.system_fingerprint = state.system_fingerprint;
  return head;
}

TokenTexts make_texts(const ServerState& state, const CommonRequest& request) {
  const bool as_ids =
      request.return_tokens_as_token_ids.value_or(state.config.return_tokens_as_token_ids);
  return {.tokenizer = state.engine.tokenizer(), .as_token_ids = as_ids};
}

// What completions and chats answer alike.
template <class Shape>
void fill_shape(Shape& shape, const ServerState& state, const CommonRequest& request) {
  const StreamOptions options = request.stream_options.value_or(StreamOptions{});
  shape.texts = make_texts(state, request);
  shape.n = request.params.n;
  shape.has_token_ids = request.return_token_ids;
  shape.has_usage = options.include_usage || state.config.enable_force_include_usage;
  shape.has_continuous_usage = shape.has_usage && options.continuous_usage_stats;
  shape.has_prompt_tokens_details = state.config.enable_prompt_tokens_details;
}

RequestOutputKind output_kind(const CommonRequest& request) {
  return request.stream ? RequestOutputKind::kDelta : RequestOutputKind::kFinalOnly;
}

Prompt text_prompt(const ServerState& state, const std::string& text, bool add_special_tokens) {
  const auto tokenizer = state.engine.tokenizer();
  if (!tokenizer) {
    throw InvalidArgument(
        "prompt", "The server was started with --skip-tokenizer-init: give the prompt as token ids."
    );
  }
  try {
    return {.text = text, .token_ids = tokenizer->encode(text, add_special_tokens)};
  } catch (const InvalidArgument& error) {
    throw InvalidArgument("prompt", error.what());
  }
}

Prompt make_prompt(const ServerState& state, const CompletionRequest& request, size_t index) {
  const CommonRequest& common = request.common;
  Prompt prompt;
  if (const auto* text = std::get_if<std::string>(&request.prompts[index])) {
    prompt = text_prompt(state, *text, common.add_special_tokens);
  } else {
    prompt.token_ids = std::get<std::vector<int32_t>>(request.prompts[index]);
  }
  if (prompt.token_ids.empty()) {
    throw InvalidArgument("prompt", "The decoder prompt cannot be empty");
  }
  prompt.cache_salt = common.cache_salt;
  truncate_prompt(state, common.truncation, common.max_tokens, prompt);
  return prompt;
}

CompletionShape make_shape(
    const ServerState& state, const CompletionRequest& request, const std::string& id
) {
  CompletionShape shape;
  fill_shape(shape, state, request.common);
  shape.head = make_head(state, id);
  shape.num_prompts = static_cast<int>(request.prompts.size());
  shape.has_echo = request.common.echo;
  shape.is_prompt_only = request.is_prompt_only;
  shape.logprobs = request.logprobs;
  return shape;
}

ChatShape make_shape(
    const ServerState& state,
    const ChatRequest& request,
    const std::string& id,
    const RenderedChat& rendered
) {
  ChatShape shape;
  fill_shape(shape, state, request.common);
  shape.head = make_head(state, id);
  shape.format = rendered.format;
  shape.role = request.call.add_generation_prompt ? state.config.response_role : request.last_role;
  if (request.common.echo && request.last_role == shape.role) shape.echo = request.last_content;
  shape.prompt_token_ids = rendered.prompt.token_ids;
  shape.has_logprobs = request.logprobs;
  shape.top_logprobs = request.top_logprobs;
  shape.has_parallel_tool_calls = request.parallel_tool_calls;
  shape.has_reasoning = request.include_reasoning;
  return shape;
}

}  // namespace

std::string call_id(const char* prefix, const CommonRequest& request, const HttpRequest& http) {
  const bool has_own = http.find_header("x-request-id") == nullptr && !request.request_id.empty();
  return prefix + (has_own ? request.request_id : http.request_id);
}

RenderedCompletion render_completion(const ServerState& state, const CompletionRequest& request) {
  check_model(state, request.common.model);
  RenderedCompletion rendered;
  for (size_t i = 0; i < request.prompts.size(); ++i) {
    Prompt prompt = make_prompt(state, request, i);
    SamplingParams params = request.common.params;
    params.output_kind = output_kind(request.common);
    params.max_tokens = resolve_max_tokens(
        state, prompt.token_ids.size(), request.common.max_tokens, kDefaultMaxTokens
    );
    rendered.prompts.push_back(std::move(prompt));
    rendered.params.push_back(std::move(params));
  }
  return rendered;
}

Reply serve_completion(
    const ServerState& state,
    const CompletionRequest& request,
    const HttpRequest& http,
    const CallContext& context
) {
  const RenderedCompletion rendered = render_completion(state, request);
  const std::string id = call_id("cmpl-", request.common, http);
  Generation generation;
  for (size_t i = 0; i < rendered.prompts.size(); ++i) {
    generation.streams.push_back(add_request(
        state,
        {.answer = id, .engine = fmt::format("{}-{}", id, i)},
        rendered.prompts[i],
        rendered.params[i],
        request.common.priority,
        context
    ));
  }
  generation.is_streaming = request.common.stream;
  CompletionShape shape = make_shape(state, request, id);
  generation.answer = request.common.stream ? make_completion_stream(std::move(shape))
                                            : make_completion_answer(std::move(shape));
  return generation;
}

ChatCall chat_call_of(
    const ServerState& state, const ChatRequest& request, const HttpRequest& http
) {
  check_model(state, request.common.model);
  ChatCall call = make_chat_call(request, call_id("chatcmpl-", request.common, http));
  call.params.output_kind = output_kind(request.common);
  if (request.has_tools_switched_off && state.config.exclude_tools_when_tool_choice_none) {
    call.tools_json.clear();
  }
  return call;
}

Reply serve_chat(
    const ServerState& state,
    const ChatRequest& request,
    const HttpRequest& http,
    const CallContext& context
) {
  const ChatCall call = chat_call_of(state, request, http);
  StartedChat started = start_chat(state, call, context);
  Generation generation;
  generation.streams.push_back(std::move(started.stream));
  generation.is_streaming = request.common.stream;
  ChatShape shape = make_shape(state, request, call.request_id, started.rendered);
  generation.answer = request.common.stream ? make_chat_stream(std::move(shape))
                                            : make_chat_answer(std::move(shape));
  return generation;
}

}  // namespace quire::server
