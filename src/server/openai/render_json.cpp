#include "server/openai/render_json.h"

#include "base/json_writer.h"
#include "config/field_visitor.h"
#include "server/openai/choice_json.h"

namespace quire::server {
namespace {

template <class T>
void write_value(JsonWriter& writer, const T& value) {
  writer.value(value);
}

template <class T>
void write_value(JsonWriter& writer, const std::vector<T>& values) {
  writer.begin_array();
  for (const T& value : values)
    writer.value(value);
  writer.end_array();
}

template <class T>
void write_value(JsonWriter& writer, const std::optional<T>& value) {
  value ? write_value(writer, *value) : (void)writer.null();
}

void write_params(JsonWriter& writer, const SamplingParams& params) {
  writer.begin_object();
  visit_sampling_fields(
      params,
      [&](const char* name, const auto& member, const char*, const char*) {
        writer.key(name);
        write_value(writer, member);
      }
  );
  writer.key("logit_bias").begin_object();
  for (const auto& [token_id, bias] : params.logit_bias)
    writer.field(std::to_string(token_id), bias);
  writer.end_object().end_object();
}

void write_rendered(
    JsonWriter& writer,
    const ServerState& state,
    const CommonRequest& request,
    const std::string& request_id,
    const Prompt& prompt,
    const SamplingParams& params
) {
  writer.begin_object().field("request_id", request_id);
  writer.field("model", state.model_names.front());
  writer.key("token_ids");
  write_token_ids(writer, prompt.token_ids);
  writer.key("sampling_params");
  write_params(writer, params);
  writer.field("stream", request.stream).field("priority", request.priority).key("cache_salt");
  prompt.cache_salt.empty() ? writer.null() : writer.value(prompt.cache_salt);
  writer.key("kv_transfer_params").null().end_object();
}

}  // namespace

HttpResponse render_completion_json(
    const ServerState& state, const CompletionRequest& request, const HttpRequest& http
) {
  const RenderedCompletion rendered = render_completion(state, request);
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  writer.begin_array();
  for (size_t i = 0; i < rendered.prompts.size(); ++i) {
    const std::string id = call_id("cmpl-", request.common, http) + "-" + std::to_string(i);
    write_rendered(writer, state, request.common, id, rendered.prompts[i], rendered.params[i]);
  }
  writer.end_array();
  return response;
}

HttpResponse render_chat_json(
    const ServerState& state, const ChatRequest& request, const HttpRequest& http
) {
  const ChatCall call = chat_call_of(state, request, http);
  const RenderedChat rendered = render_chat(state, call);
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  write_rendered(writer, state, request.common, call.request_id, rendered.prompt, rendered.params);
  return response;
}

}  // namespace quire::server
