#include "server/openai/openai_routes.h"

#include <memory>
#include <utility>

#include "quire/error.h"
#include "server/openai/content_type.h"
#include "server/openai/models.h"
#include "server/openai/render_json.h"
#include "server/openai/serving.h"
#include "server/openai/tokenization.h"

namespace quire::server {
namespace {

// The routes' handlers, with what they share.
class OpenAiEndpoints {
 public:
  explicit OpenAiEndpoints(ServerState& state) : state_(state) {}

  Reply complete(const HttpRequest& http, const CallContext& context) {
    return serve_completion(state_, parse_completion(http), http, context);
  }
  Reply chat(const HttpRequest& http, const CallContext& context) {
    return serve_chat(state_, parse_chat(http), http, context);
  }
  Reply render_completion(const HttpRequest& http, const CallContext&) {
    return render_completion_json(state_, parse_completion(http), http);
  }
  Reply render_chat(const HttpRequest& http, const CallContext&) {
    return render_chat_json(state_, parse_chat(http), http);
  }
  Reply tokenize(const HttpRequest& http, const CallContext&) {
    check_content_type(http);
    return server::tokenize(state_, http, unknown_fields_);
  }
  Reply detokenize(const HttpRequest& http, const CallContext&) {
    check_content_type(http);
    return server::detokenize(state_, http, unknown_fields_);
  }
  Reply tokenizer_info(const HttpRequest&, const CallContext&) {
    return server::tokenizer_info(state_);
  }
  Reply list_models(const HttpRequest&, const CallContext&) { return server::list_models(state_); }
  // A name like organisation/model makes two segments.
  Reply retrieve_model(const HttpRequest& http, const CallContext&) {
    std::string name;
    for (const char* part : {"organization", "model"}) {
      const auto found = http.path_parameters.find(part);
      if (found == http.path_parameters.end()) continue;
      if (!name.empty()) name += '/';
      name += found->second;
    }
    return server::retrieve_model(state_, name);
  }
  // One endpoint for all, as SageMaker calls it.
  Reply invoke(const HttpRequest& http, const CallContext& context) {
    check_content_type(http);
    const JsonBody json(http.body);
    simdjson::dom::element ignored;
    if (json.fields().at_key("messages").get(ignored) == simdjson::SUCCESS) {
      return chat(http, context);
    }
    if (json.fields().at_key("prompt").get(ignored) == simdjson::SUCCESS) {
      return complete(http, context);
    }
    throw InvalidArgument(
        "body",
        "Cannot find suitable handler for request. Expected `messages`, for a chat completion, or "
        "`prompt`, for a completion."
    );
  }

 private:
  CompletionRequest parse_completion(const HttpRequest& http) {
    check_content_type(http);
    return parse_completion_request(http.body, state_.default_sampling_params, unknown_fields_);
  }
  ChatRequest parse_chat(const HttpRequest& http) {
    check_content_type(http);
    return parse_chat_request(http.body, state_.default_sampling_params, unknown_fields_);
  }

  ServerState& state_;
  UnknownFields unknown_fields_;
};

}  // namespace

std::vector<Route> make_openai_routes(ServerState& state) {
  using Endpoint = Reply (OpenAiEndpoints::*)(const HttpRequest&, const CallContext&);
  const auto endpoints = std::make_shared<OpenAiEndpoints>(state);
  std::vector<Route> routes;
  const auto add = [&](const char* method, const char* path, Endpoint endpoint) {
    const auto handler = [endpoints, endpoint](
                             const HttpRequest& http, const CallContext& context
                         ) { return (endpoints.get()->*endpoint)(http, context); };
    routes.push_back({.method = method, .path = path, .handler = handler});
  };
  add("POST", "/v1/completions", &OpenAiEndpoints::complete);
  add("POST", "/v1/completions/render", &OpenAiEndpoints::render_completion);
  add("POST", "/v1/chat/completions", &OpenAiEndpoints::chat);
  add("POST", "/v1/chat/completions/render", &OpenAiEndpoints::render_chat);
  add("POST", "/invocations", &OpenAiEndpoints::invoke);
  add("GET", "/v1/models", &OpenAiEndpoints::list_models);
  add("GET", "/v1/models/{model}", &OpenAiEndpoints::retrieve_model);
  add("GET", "/v1/models/{organization}/{model}", &OpenAiEndpoints::retrieve_model);
  add("POST", "/tokenize", &OpenAiEndpoints::tokenize);
  add("POST", "/detokenize", &OpenAiEndpoints::detokenize);
  if (state.config.enable_tokenizer_info_endpoint) {
    add("GET", "/tokenizer_info", &OpenAiEndpoints::tokenizer_info);
  }
  return routes;
}

}  // namespace quire::server
