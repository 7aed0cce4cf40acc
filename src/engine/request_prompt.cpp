#include "engine/chat_messages.h"
#include "engine/chat_prompt.h"
#include "quire/chat_template.h"
#include "quire/error.h"
#include "quire/request_json.h"
#include "quire/tokenizer.h"

namespace quire {

Prompt make_prompt(const AsyncEngine& engine, const ParsedRequest& request) {
  if (request.messages_json.empty()) return request.prompt;
  const ContentFormat format = engine.chat_template().content_format();
  Prompt prompt = engine.render_chat(
      chat_context(messages_for_template(request.messages_json, format), request.chat)
  );
  prompt.cache_salt = request.prompt.cache_salt;
  if (!request.chat.continue_final_message) return prompt;
  prompt.text =
      cut_after_final_message(std::move(prompt.text), final_message_text(request.messages_json));
  prompt.token_ids = engine.tokenizer()->encode(prompt.text, /*add_special_tokens=*/false);
  return prompt;
}

}  // namespace quire
