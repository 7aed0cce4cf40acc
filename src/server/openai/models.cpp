#include "server/openai/models.h"

#include "base/json_writer.h"
#include "server/random_id.h"

namespace quire::server {
namespace {

void write_permission(JsonWriter& writer, int64_t created) {
  writer.begin_object().field("id", "modelperm-" + random_hex(32));
  writer.field("object", "model_permission").field("created", created);
  writer.field("allow_create_engine", false).field("allow_sampling", true);
  writer.field("allow_logprobs", true).field("allow_search_indices", false);
  writer.field("allow_view", true).field("allow_fine_tuning", false);
  writer.field("organization", "*").key("group").null();
  writer.field("is_blocking", false).end_object();
}

// `owned_by` is what clients recognise this API by.
void write_model(JsonWriter& writer, const ServerState& state, const std::string& name) {
  writer.begin_object().field("id", name).field("object", "model");
  writer.field("created", state.created).field("owned_by", "vllm");
  writer.field("root", state.model_root).key("parent").null();
  writer.field("max_model_len", state.engine.max_model_len());
  writer.key("permission").begin_array();
  write_permission(writer, state.created);
  writer.end_array().end_object();
}

}  // namespace

HttpResponse list_models(const ServerState& state) {
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  writer.begin_object().field("object", "list").key("data").begin_array();
  for (const std::string& name : state.model_names)
    write_model(writer, state, name);
  writer.end_array().end_object();
  return response;
}

HttpResponse retrieve_model(const ServerState& state, const std::string& name) {
  check_model(state, name);
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  write_model(writer, state, name);
  return response;
}

}  // namespace quire::server
