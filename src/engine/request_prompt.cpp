#include <simdjson.h>

#include "base/json_writer.h"
#include "engine/chat_messages.h"
#include "engine/chat_prompt.h"
#include "quire/chat_template.h"
#include "quire/error.h"
#include "quire/request_json.h"
#include "quire/tokenizer.h"

namespace quire {
namespace {

std::string context_json(const ParsedRequest& request, ContentFormat format) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("messages").raw(messages_for_template(request.messages_json, format));
  writer.field("add_generation_prompt", request.chat.add_generation_prompt);
  if (!request.chat.tools_json.empty()) writer.key("tools").raw(request.chat.tools_json);
  if (!request.chat.chat_template_kwargs_json.empty()) {
    simdjson::dom::parser parser;
    simdjson::dom::object kwargs;
    if (parser.parse(request.chat.chat_template_kwargs_json).get(kwargs) != simdjson::SUCCESS) {
      throw InvalidArgument("chat_template_kwargs", "chat_template_kwargs must be a JSON object.");
    }
    for (const auto [key, value] : kwargs)
      writer.key(key).raw(simdjson::minify(value));
  }
  writer.end_object();
  return json;
}

}  // namespace

Prompt make_prompt(const AsyncEngine& engine, const ParsedRequest& request) {
  if (request.messages_json.empty()) return request.prompt;
  const ContentFormat format = engine.chat_template().content_format();
  Prompt prompt = engine.render_chat(context_json(request, format));
  prompt.cache_salt = request.prompt.cache_salt;
  if (!request.chat.continue_final_message) return prompt;
  prompt.text =
      cut_after_final_message(std::move(prompt.text), final_message_text(request.messages_json));
  prompt.token_ids = engine.tokenizer()->encode(prompt.text, /*add_special_tokens=*/false);
  return prompt;
}

}  // namespace quire
