#pragma once

#include <optional>
#include <string_view>

#include <simdjson.h>

namespace quire::client {

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

// What an answer of /v1/completions or /v1/chat/completions says: an event of a stream, or the
// whole. Of several choices the first.
struct CompletionChunk {
  int64_t num_choices = 0;
  int64_t index = 0;
  std::string_view text;  // text, delta.content or message.content
  std::string_view reasoning;
  std::string_view role;
  std::string_view finish_reason;  // empty: it goes on
  bool has_tool_calls = false;
  std::optional<Usage> usage;
  std::optional<std::string_view> error;  // its message
};

// Reads one answer after the other; the views of a chunk live until the next one.
class CompletionReader {
 public:
  // nullopt: no JSON object, or neither a completion nor an error.
  std::optional<CompletionChunk> read(std::string_view json);

 private:
  simdjson::dom::parser parser_;
};

}  // namespace quire::client
