#include "server/responses/response_routes.h"

#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/env.h"
#include "quire/error.h"
#include "server/api_error.h"
#include "server/random_id.h"
#include "server/requests/chat_messages_writer.h"
#include "server/responses/response_answer.h"
#include "server/responses/response_request.h"

namespace quire::server {
namespace {

constexpr size_t kMaxStoredResponses = 10000;
constexpr size_t kMaxStoredBytes = 256 << 20;
constexpr const char* kNoStore =
    "This server keeps no responses: send the whole conversation as input, or start it with "
    "VLLM_ENABLE_RESPONSES_API_STORE=1";

class ResponsesApi {
 public:
  ResponsesApi(const ServerState& state, std::shared_ptr<ResponseStore> store)
      : state_(state), store_(std::move(store)) {}

  Reply create(const HttpRequest& http, const CallContext& context);
  StartedChat start(const ResponseRequest& request, const CallContext& context) const;
  Reply retrieve(const HttpRequest& http) const;
  Reply cancel(const HttpRequest& http) const;

 private:
  // What was said before `request`, as a JSON array of messages.
  std::string previous_conversation(const ResponseRequest& request) const;
  bool is_kept(const ResponseRequest& request) const;
  StoredResponse stored(const HttpRequest& http) const;

  const ServerState& state_;
  std::shared_ptr<ResponseStore> store_;
  UnknownFields unknown_fields_;
};

[[noreturn]] void throw_not_found(const std::string& id, const char* param) {
  const std::string message =
      fmt::format("There is no response '{}': it never was, or has been dropped since.", id);
  throw ApiError(404, "NotFoundError", message, param);
}

std::string joined(const std::string& before, const std::string& after) {
  ChatMessagesWriter messages;
  messages.add_messages(before);
  messages.add_messages(after);
  return messages.finish();
}

std::string with_instructions(const ResponseRequest& request, const std::string& conversation) {
  if (!request.instructions) return conversation;
  ChatMessagesWriter messages;
  messages.add_message("system", *request.instructions);
  messages.add_messages(conversation);
  return messages.finish();
}

std::string ResponsesApi::previous_conversation(const ResponseRequest& request) const {
  if (!request.previous_response_id) return "[]";
  const std::string& id = *request.previous_response_id;
  if (store_ == nullptr) throw InvalidArgument("previous_response_id", kNoStore);
  const auto previous = store_->find(id);
  if (!previous) throw_not_found(id, "previous_response_id");
  if (previous->is_running) {
    throw InvalidArgument(
        "previous_response_id", fmt::format("The response '{}' has not ended yet.", id)
    );
  }
  return previous->conversation;
}

bool ResponsesApi::is_kept(const ResponseRequest& request) const {
  if (store_ == nullptr && request.store.value_or(false)) throw InvalidArgument("store", kNoStore);
  return store_ != nullptr && request.store.value_or(true);
}

StartedChat ResponsesApi::start(const ResponseRequest& request, const CallContext& context) const {
  try {
    return start_chat(state_, request.call, context);
  } catch (const InvalidArgument& error) {
    // The request's own items are known to be good.
    const bool is_of_item = error.field().starts_with("messages[");
    if (!is_of_item || !request.previous_response_id) throw;
  }
  throw InvalidArgument(
      "previous_response_id",
      fmt::format(
          "The response '{}' has a tool call whose arguments are no JSON, because it was cut off "
          "or "
          "the model erred. Send the conversation without it as input.",
          *request.previous_response_id
      )
  );
}

Reply ResponsesApi::create(const HttpRequest& http, const CallContext& context) {
  const JsonBody json(http.body, BodyStyle::kPath);
  ResponseRequest request =
      parse_response_request(json.value(), state_.default_sampling_params, unknown_fields_);
  check_model(state_, request.model);
  ResponseSetup setup{.state = &state_};
  if (is_kept(request)) setup.store = store_;
  setup.conversation = joined(previous_conversation(request), request.call.messages_json);
  request.call.messages_json = with_instructions(request, setup.conversation);
  // Logprobs come with the text that they belong to, which deltas tell.
  const bool takes_deltas = request.stream || request.wants_logprobs;
  request.call.params.output_kind =
      takes_deltas ? RequestOutputKind::kDelta : RequestOutputKind::kFinalOnly;
  setup.head.id = "resp_" + random_hex(32);
  setup.head.model = state_.model_names.front();
  setup.head.created_at = static_cast<int64_t>(wall_time());
  setup.head.request_members = request.request_members;
  setup.head.request_members += setup.store ? ", \"store\": true" : ", \"store\": false";
  setup.parallel_tool_calls = request.parallel_tool_calls;
  setup.stream = request.stream;
  setup.top_logprobs = request.call.params.logprobs;
  request.call.request_id = setup.head.id;
  StartedChat started = start(request, context);
  setup.chat = std::move(started.rendered);
  setup.engine_request_id = started.stream->request_id();
  Generation generation;
  generation.streams.push_back(std::move(started.stream));
  generation.is_streaming = request.stream;
  generation.answer = std::make_unique<ResponseAnswer>(std::move(setup));
  return generation;
}

StoredResponse ResponsesApi::stored(const HttpRequest& http) const {
  const std::string& id = http.path_parameters.at("response_id");
  if (store_ == nullptr) throw ApiError(404, "NotFoundError", kNoStore, "response_id");
  auto found = store_->find(id);
  if (!found) throw_not_found(id, "response_id");
  return std::move(*found);
}

Reply ResponsesApi::retrieve(const HttpRequest& http) const {
  const auto stream = http.query.find("stream");
  if (stream != http.query.end() && stream->second == "true") {
    throw InvalidArgument("stream", "A kept response comes whole: leave stream away");
  }
  return HttpResponse{.body = stored(http).response_json};
}

Reply ResponsesApi::cancel(const HttpRequest& http) const {
  const StoredResponse response = stored(http);
  if (!response.is_running) {
    throw InvalidArgument(
        "response_id", fmt::format("The response '{}' has ended already.", response.head.id)
    );
  }
  state_.engine.abort(response.engine_request_id);
  HttpResponse answer;
  JsonWriter writer(answer.body, JsonSpacing::kCompact);
  append_response(writer, response.head, ResponseState{.status = "cancelled"}, {});
  return answer;
}

}  // namespace

std::vector<Route> make_responses_routes(
    const ServerState& state, std::shared_ptr<ResponseStore> store
) {
  const auto api = std::make_shared<ResponsesApi>(state, std::move(store));
  using Request = const HttpRequest&;
  using Context = const CallContext&;
  return {
      {"POST",
       "/v1/responses",
       [api](Request request, Context context) { return api->create(request, context); }},
      {"GET",
       "/v1/responses/{response_id}",
       [api](Request request, Context) { return api->retrieve(request); }},
      {"POST",
       "/v1/responses/{response_id}/cancel",
       [api](Request request, Context) { return api->cancel(request); }},
  };
}

std::shared_ptr<ResponseStore> make_response_store() {
  if (!env::enable_responses_api_store()) return nullptr;
  return std::make_shared<ResponseStore>(kMaxStoredResponses, kMaxStoredBytes);
}

}  // namespace quire::server
