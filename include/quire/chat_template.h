#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

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
  static constexpr size_t kMaxSourceBytes = 256 * 1024;

  // From a model's folder, the first of: chat_template.jinja (with additional_chat_templates/),
  // chat_template.json, chat_template in tokenizer_config.json. Special tokens (bos_token,
  // eos_token …) come from tokenizer_config.json. nullptr: the folder has no template. Throws
  // InvalidArgument (field "chat_template") if the template does not compile.
  static std::shared_ptr<const ChatTemplate> from_dir(const std::filesystem::path& dir);

  // `special_tokens`: a JSON object with bos_token, eos_token …, variables of every rendering.
  static std::shared_ptr<const ChatTemplate> from_source(
      std::string_view source, std::string_view special_tokens = "{}"
  );
  // A file with the source; special tokens come from `model_dir`'s tokenizer_config.json if given.
  static std::shared_ptr<const ChatTemplate> from_file(
      const std::filesystem::path& file, const std::filesystem::path& model_dir = {}
  );
  ~ChatTemplate();
  ChatTemplate(const ChatTemplate&) = delete;
  ChatTemplate& operator=(const ChatTemplate&) = delete;

  // `context`: a JSON object with messages, tools, add_generation_prompt and any other variable; it
  // overrules the special tokens. `now` (seconds since the epoch, shown in local time) is the clock
  // of strftime_now; default: the system's.
  // Throws InvalidArgument (field "messages") with the template's own text if it raises, and if it
  // runs too long or prints too much (64 MiB).
  std::string render(std::string_view context, std::optional<int64_t> now = std::nullopt) const;

  // What the source does with message.content, found by looking at its loops as vLLM does.
  ContentFormat content_format() const;
  // The default template; models may have more ("tool_use" is taken when tools are given).
  const std::string& source() const;
  std::vector<std::string> names() const;

 private:
  struct Native;
  ChatTemplate();
  void add(std::string name, std::string source);

  std::unique_ptr<Native> native_;
};

}  // namespace quire
