// A completion's text: the first byte chooses the tool format, the second the reasoning format and
// how the text is cut into pieces.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/message_parser.h"

namespace {

using quire::server::Message;
using quire::server::MessageDelta;
using quire::server::MessageFormat;
using quire::server::MessageParser;

constexpr std::string_view kTools = R"([{"type": "function", "function": {"name": "f",
"parameters": {"properties": {"s": {"type": "string"}, "i": {"type": "integer"},
"n": {"type": "number"}, "b": {"type": "boolean"}, "o": {"type": "object"},
"m": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}}}])";

void require(bool condition) {
  if (!condition) std::abort();
}

void add(Message& message, std::string& content, const MessageDelta& delta) {
  message.reasoning += delta.reasoning;
  content += delta.content;
  for (const auto& call : delta.tool_calls) {
    if (call.name) message.tool_calls.push_back({.name = *call.name});
    require(call.index + 1 == static_cast<int>(message.tool_calls.size()));
    message.tool_calls.back().arguments += call.arguments;
  }
}

// Pieces of one to `step` bytes.
Message parse_pieces(const MessageFormat& format, std::string_view text, size_t step) {
  MessageParser parser(format);
  Message message;
  std::string content;
  for (size_t size = 1; !text.empty(); size = size % step + 1) {
    add(message, content, parser.push(text.substr(0, size)));
    text.remove_prefix(std::min(size, text.size()));
  }
  add(message, content, parser.finish());
  message.content = content;
  return message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::string> tools = quire::server::tool_call_parser_names();
  static const std::vector<std::string> thoughts = quire::server::reasoning_parser_names();
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
  MessageFormat format;
  format.tool_call_parser = tools[data[0] % tools.size()];
  format.tools_json = kTools;
  const size_t thought = data[1] % (thoughts.size() + 1);
  if (thought < thoughts.size()) format.reasoning_parser = thoughts[thought];

  const Message whole = MessageParser::parse(format, text);
  const Message pieces = parse_pieces(format, text, 1 + data[1] / 16);
  require(whole.reasoning == pieces.reasoning);
  require(whole.content.value_or("") == *pieces.content);
  require(whole.tool_calls.size() == pieces.tool_calls.size());
  for (size_t i = 0; i < whole.tool_calls.size(); i++) {
    require(whole.tool_calls[i].name == pieces.tool_calls[i].name);
    require(whole.tool_calls[i].arguments == pieces.tool_calls[i].arguments);
  }
  const bool is_plain = whole.tool_calls.empty() && format.reasoning_parser.empty();
  require(!is_plain || *pieces.content == text);
  return 0;
}
