// A chat template and a conversation: the input up to a NUL is the one, the rest the other.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "quire/chat_template.h"
#include "quire/error.h"

namespace {

constexpr std::string_view kContext = R"({"messages":[{"role":"user","content":"Hi"}],
"tools":[{"type":"function","function":{"name":"f"}}],"add_generation_prompt":true})";
constexpr size_t kMaxSourceBytes = 2048;  // longer ones may take long to compile

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  const std::string_view source = input.substr(0, end);
  const std::string_view context = end == input.npos ? kContext : input.substr(end + 1);
  if (source.size() > kMaxSourceBytes) return 0;
  // A width in a format string is memory, which nothing limits (docs/chat-templates.md).
  if (source.find("format") != source.npos) return 0;
  try {
    const auto chat = quire::ChatTemplate::from_source(source, R"({"bos_token":"<s>"})");
    if (quire::find_invalid_utf8(chat->render(context, 0))) std::abort();
  } catch (const quire::InvalidArgument&) {
  }
  return 0;
}
