#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quire/api.h"

namespace QUIRE_API quire {

class Tokenizer;

// How a template wants the content of a message.
enum class ContentFormat {
  kString,  // one string
  kOpenAi,  // a list of parts: [{"type": "text", "text": …}, …]
};

// A chat template in Jinja, rendered as Hugging Face's apply_chat_template does it.
// Immutable: every method may be called from any thread at any time.
class ChatTemplate {
 public:
  // Longest source that is accepted.
  static constexpr size_t kMaxSourceBytes = 64 * 1024;

  // From a model's folder, the first of: chat_template.jinja (with additional_chat_templates/),
  // chat_template in tokenizer_config.json, chat_template.json. The special tokens (bos_token,
  // eos_token …) come from tokenizer_config.json. nullptr: the folder has no template.
  // Throws InvalidArgument (field "chat_template") if a template does not compile.
  static std::shared_ptr<const ChatTemplate> from_dir(const std::filesystem::path& dir);

  // From a file with the source; the special tokens are those of `model_dir`, if it is given.
  static std::shared_ptr<const ChatTemplate> from_file(
      const std::filesystem::path& file, const std::filesystem::path& model_dir = {}
  );

  // `special_tokens`: a JSON object whose members are variables of every rendering.
  static std::shared_ptr<const ChatTemplate> from_source(
      std::string_view source, std::string_view special_tokens = "{}"
  );
  // A template that comes without a model: its special tokens are the tokenizer's; nullptr: none.
  static std::shared_ptr<const ChatTemplate> from_source(
      std::string_view source, const Tokenizer* tokenizer
  );
  ~ChatTemplate();
  ChatTemplate(const ChatTemplate&) = delete;
  ChatTemplate& operator=(const ChatTemplate&) = delete;

  // `context`: a JSON object with messages, tools, add_generation_prompt and any other variable; it
  // overrules the special tokens. `now` is the clock of strftime_now, in seconds since the epoch
  // and shown in local time; default: the system's. Throws InvalidArgument (field "messages"), with
  // the template's own words if it raises. Stopped after 10 million steps, 64 MiB of text or
  // 192 MiB of memory.
  std::string render(std::string_view context, std::optional<int64_t> now = std::nullopt) const;

  // What the template that render() takes for a conversation without tools does with
  // message.content: it wants parts if it loops over them (the rule of vLLM).
  ContentFormat content_format() const;
  const std::string& source() const;

 private:
  struct Native;
  explicit ChatTemplate(std::unique_ptr<Native> native);
  static std::shared_ptr<const ChatTemplate> compile(
      const std::vector<std::pair<std::string, std::string>>& sources,  // {name, source}
      std::string_view special_tokens,
      std::string_view origin
  );

  std::unique_ptr<Native> native_;
};

}  // namespace quire
