#include "engine/chat_messages.h"
#include "engine/chat_prompt.h"
#include "quire/request_json.h"

namespace quire {

Prompt render_messages_json(
    const AsyncEngine& engine, std::string_view messages_json, const ChatOptions& options
) {
  const std::string messages =
      messages_for_template(messages_json, content_format_of(engine, options));
  const std::string final_text =
      options.continue_final_message ? final_message_text(messages_json) : std::string();
  return render_prompt(engine, messages, final_text, options);
}

Prompt make_prompt(const AsyncEngine& engine, const ParsedRequest& request) {
  if (request.messages_json.empty()) return request.prompt;
  Prompt prompt = render_messages_json(engine, request.messages_json, request.chat);
  prompt.cache_salt = request.prompt.cache_salt;
  return prompt;
}

}  // namespace quire
