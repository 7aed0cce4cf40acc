#include "server/anthropic/message_routes.h"

#include <utility>

#include "base/json_writer.h"
#include "server/anthropic/message_answer.h"
#include "server/anthropic/message_error.h"
#include "server/anthropic/message_request.h"
#include "server/random_id.h"

namespace quire::server {
namespace {

ChatCall chat_call_of(MessagesPrompt prompt) {
  ChatCall call;
  call.messages_json = std::move(prompt.messages_json);
  call.tools_json = std::move(prompt.tools_json);
  call.may_call_tools = prompt.calls_tools;
  call.add_generation_prompt = !prompt.continue_final_message;
  call.continue_final_message = prompt.continue_final_message;
  if (prompt.enable_thinking) {
    // Templates know the switch by one of two names.
    call.chat_template_kwargs_json = *prompt.enable_thinking
                                         ? R"({"enable_thinking": true, "thinking": true})"
                                         : R"({"enable_thinking": false, "thinking": false})";
  }
  return call;
}

SamplingParams sampling_of(const MessagesRequest& request, const SamplingParams& defaults) {
  SamplingParams params = defaults;
  if (request.temperature) params.temperature = *request.temperature;
  if (request.top_p) params.top_p = *request.top_p;
  if (request.top_k) params.top_k = *request.top_k;
  params.stop = request.stop_sequences;
  params.output_kind = request.stream ? RequestOutputKind::kDelta : RequestOutputKind::kFinalOnly;
  return params;
}

Reply create_message(
    const ServerState& state,
    UnknownFields& unknown_fields,
    const HttpRequest& http,
    const CallContext& context
) {
  const JsonBody json(http.body, BodyStyle::kPath);
  MessagesRequest request =
      parse_messages_request(json.value(), !state.reasoning_parser.empty(), unknown_fields);
  check_model(state, request.prompt.model);
  MessageSetup setup;
  setup.head = {.id = "msg_" + random_hex(32), .model = state.model_names.front()};
  setup.parallel_tool_calls = request.prompt.parallel_tool_calls;
  setup.stream = request.stream;
  setup.shows_cached_tokens = state.config.enable_prompt_tokens_details;
  setup.request_id = http.request_id;
  ChatCall call = chat_call_of(std::move(request.prompt));
  call.request_id = setup.head.id;
  call.max_tokens = request.max_tokens;
  call.params = sampling_of(request, state.default_sampling_params);
  StartedChat started = start_chat(state, call, context);
  setup.chat = std::move(started.rendered);
  Generation generation;
  generation.streams.push_back(std::move(started.stream));
  generation.is_streaming = request.stream;
  generation.answer = std::make_unique<MessageAnswer>(std::move(setup));
  return generation;
}

Reply count_tokens(
    const ServerState& state, UnknownFields& unknown_fields, const HttpRequest& http
) {
  const JsonBody json(http.body, BodyStyle::kPath);
  MessagesPrompt prompt =
      parse_messages_prompt(json.value(), !state.reasoning_parser.empty(), unknown_fields);
  check_model(state, prompt.model);
  ChatCall call = chat_call_of(std::move(prompt));
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  const auto num_tokens = static_cast<int64_t>(render_messages(state, call).token_ids.size());
  writer.begin_object().field("input_tokens", num_tokens).end_object();
  return response;
}

}  // namespace

std::vector<Route> make_messages_routes(const ServerState& state) {
  using Request = const HttpRequest&;
  using Context = const CallContext&;
  const auto unknown_fields = std::make_shared<UnknownFields>();
  std::vector<Route> routes = {
      {"POST",
       "/v1/messages",
       [&state, unknown_fields](Request http, Context context) {
         return create_message(state, *unknown_fields, http, context);
       }},
      {"POST",
       "/v1/messages/count_tokens",
       [&state, unknown_fields](Request http, Context) {
         return count_tokens(state, *unknown_fields, http);
       }},
  };
  for (Route& route : routes)
    route.error_format = message_error;
  return routes;
}

}  // namespace quire::server
