#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/message_parser.h"

namespace quire::server {

// One line of tests/data/server/vllm_parser_cases.jsonl or rendered_tool_calls.jsonl: what must
// come of a text.
struct ParserCase {
  std::string source;  // for messages
  MessageFormat format;
  std::string text;
};

// All of both files.
std::vector<ParserCase> load_parser_cases();

// The message that deltas add up to. Fails the test if a delta breaks the rules of MessageDelta.
class CollectedMessage {
 public:
  void add(const MessageDelta& delta);
  Message message() const;

 private:
  std::string content_;
  Message message_;
};

// Pushes the pieces one by one.
Message parse_pieces(const MessageFormat& format, const std::vector<std::string_view>& pieces);

// [text, text] → one line for messages of tests.
std::string describe(const Message& message);
bool same(const Message& a, const Message& b);  // no content and an empty one are the same

}  // namespace quire::server
