#pragma once

#include <span>
#include <string>
#include <string_view>

#include "quire/llm.h"

namespace quire {

// The JSON object that a chat template renders. `messages`: a JSON array, as the template wants it.
// Throws InvalidArgument for options that are no JSON.
std::string chat_context(std::string_view messages, const ChatOptions& options);

// What the template of the options wants, unless they say another.
ContentFormat content_format_of(const AsyncEngine& engine, const ChatOptions& options);

// Renders `messages`, which are as the template wants them, to text and token ids. `final_content`
// is the text of the last one, for continue_final_message. Throws InvalidArgument.
Prompt render_prompt(
    const AsyncEngine& engine,
    std::string_view messages,
    std::string_view final_content,
    const ChatOptions& options
);

// Renders a conversation. Throws InvalidArgument.
Prompt render_chat_prompt(
    const AsyncEngine& engine, std::span<const ChatMessage> messages, const ChatOptions& options
);

// Cuts a rendered conversation after the text of its last message, so that the model goes on with
// it. Throws InvalidArgument when the template does not show that text.
std::string cut_after_final_message(std::string rendered, std::string_view final_content);

}  // namespace quire
