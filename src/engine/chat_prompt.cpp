#include "engine/chat_prompt.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "quire/chat_template.h"
#include "quire/error.h"
#include "quire/tokenizer.h"

namespace quire {
namespace {

constexpr std::string_view kSpaces = " \t\n\r\f\v";

std::string_view trim_left(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  return text;
}

std::string_view trim(std::string_view text) {
  text = trim_left(text);
  return text.substr(0, text.find_last_not_of(kSpaces) + 1);
}

// `json` without needless spaces, if it is a T (simdjson::dom::array or object).
template <class T>
T parse_option(
    simdjson::dom::parser& parser, const std::string& json, const char* field, const char* what
) {
  T value;
  if (parser.parse(json).get(value) != simdjson::SUCCESS) {
    throw InvalidArgument(field, std::string(field) + " must be " + what + ".");
  }
  return value;
}

void check_utf8(const std::string& text, const char* part) {
  const auto offset = find_invalid_utf8(text);
  if (!offset) return;
  throw InvalidArgument(
      "messages",
      fmt::format("The {} of a message is not valid UTF-8 from byte {} on.", part, *offset)
  );
}

void write_content(JsonWriter& writer, const std::string& content, ContentFormat format) {
  writer.key("content");
  if (format == ContentFormat::kString) {
    writer.value(content);
    return;
  }
  writer.begin_array().begin_object();
  writer.field("type", "text").field("text", content);
  writer.end_object().end_array();
}

std::string messages_json(std::span<const ChatMessage> messages, ContentFormat format) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_array();
  for (const ChatMessage& message : messages) {
    check_utf8(message.role, "role");
    check_utf8(message.content, "content");
    writer.begin_object().field("role", message.role);
    write_content(writer, message.content, format);
    writer.end_object();
  }
  writer.end_array();
  return json;
}

const ChatTemplate& template_of(const AsyncEngine& engine, const ChatOptions& options) {
  return options.chat_template != nullptr ? *options.chat_template : engine.chat_template();
}

}  // namespace

std::string chat_context(std::string_view messages, const ChatOptions& options) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("messages").raw(messages);
  writer.field("add_generation_prompt", options.add_generation_prompt);
  simdjson::dom::parser parser;
  if (!options.tools_json.empty()) {
    const auto tools = parse_option<simdjson::dom::array>(
        parser, options.tools_json, "tools", "a JSON array of tools"
    );
    writer.key("tools").raw(simdjson::minify(tools));
  }
  if (!options.chat_template_kwargs_json.empty()) {
    const auto kwargs = parse_option<simdjson::dom::object>(
        parser, options.chat_template_kwargs_json, "chat_template_kwargs", "a JSON object"
    );
    for (const auto [key, value] : kwargs)
      writer.key(key).raw(simdjson::minify(value));
  }
  writer.end_object();
  return json;
}

std::string chat_context_json(
    std::span<const ChatMessage> messages, const ChatOptions& options, ContentFormat format
) {
  return chat_context(messages_json(messages, format), options);
}

std::string cut_after_final_message(std::string rendered, std::string_view final_content) {
  const std::string_view core = trim(final_content);
  const size_t place = rendered.rfind(core);
  if (place == std::string::npos) {
    throw InvalidArgument(
        "continue_final_message",
        "continue_final_message is set, but the chat template does not show the last message as it "
        "is. Leave the option out for this model."
    );
  }
  // The spaces after it remain if the template kept them.
  const std::string_view whole = trim_left(final_content);
  const bool keeps_spaces = std::string_view(rendered).substr(place, whole.size()) == whole;
  rendered.resize(place + (keeps_spaces ? whole.size() : core.size()));
  return rendered;
}

ContentFormat content_format_of(const AsyncEngine& engine, const ChatOptions& options) {
  if (options.content_format) return *options.content_format;
  return template_of(engine, options).content_format();
}

Prompt render_prompt(
    const AsyncEngine& engine,
    std::string_view messages,
    std::string_view final_content,
    const ChatOptions& options
) {
  if (options.add_generation_prompt && options.continue_final_message) {
    throw InvalidArgument(
        "continue_final_message",
        "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
    );
  }
  const std::shared_ptr<const Tokenizer> tokenizer = engine.tokenizer();
  if (!tokenizer) {
    throw InvalidArgument(
        "messages",
        "The engine was started with skip_tokenizer_init: give prompt_token_ids instead of "
        "messages."
    );
  }
  Prompt prompt;
  prompt.text = template_of(engine, options).render(chat_context(messages, options));
  if (options.continue_final_message) {
    prompt.text = cut_after_final_message(std::move(prompt.text), final_content);
  }
  prompt.token_ids = tokenizer->encode(prompt.text, options.add_special_tokens);
  return prompt;
}

Prompt render_chat_prompt(
    const AsyncEngine& engine, std::span<const ChatMessage> messages, const ChatOptions& options
) {
  if (messages.empty()) throw InvalidArgument("messages", "messages cannot be empty.");
  const std::string json = messages_json(messages, content_format_of(engine, options));
  return render_prompt(engine, json, messages.back().content, options);
}

}  // namespace quire
