#include "server/openai/choice_json.h"

namespace quire::server {

void write_head(JsonWriter& writer, const AnswerHead& head, const char* object) {
  writer.field("id", head.id).field("object", object).field("created", head.created);
  writer.field("model", head.model).field("system_fingerprint", head.system_fingerprint);
}

void write_usage(JsonWriter& writer, const Usage& usage) {
  writer.begin_object().field("prompt_tokens", usage.prompt_tokens);
  writer.field("total_tokens", usage.prompt_tokens + usage.completion_tokens);
  writer.field("completion_tokens", usage.completion_tokens);
  if (usage.cached_tokens) {
    writer.key("prompt_tokens_details").begin_object();
    writer.field("cached_tokens", *usage.cached_tokens).end_object();
  }
  writer.end_object();
}

void write_token_ids(JsonWriter& writer, std::span<const int32_t> token_ids) {
  writer.begin_array();
  for (const int32_t id : token_ids)
    writer.value(id);
  writer.end_array();
}

void write_stop_reason(
    JsonWriter& writer, const std::variant<std::monostate, int32_t, std::string>& stop_reason
) {
  if (const auto* token_id = std::get_if<int32_t>(&stop_reason)) {
    writer.value(*token_id);
  } else if (const auto* text = std::get_if<std::string>(&stop_reason)) {
    writer.value(*text);
  } else {
    writer.null();
  }
}

}  // namespace quire::server
