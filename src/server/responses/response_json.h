#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"

namespace quire::server {

// One entry of a response's `output`.
struct OutputItem {
  enum class Kind : uint8_t { kReasoning, kMessage, kFunctionCall };
  Kind kind = Kind::kMessage;
  std::string id;  // rs_…, msg_…, fc_…
  std::string text;  // the thoughts, the text, or the arguments of the call
  std::string call_id;  // of a function call
  std::string name;
  std::string logprobs;  // of a message: JSON objects, comma between
};

struct ResponseUsage {
  int input_tokens = 0;
  int cached_tokens = 0;  // of the input
  int output_tokens = 0;
  int reasoning_tokens = 0;  // of the output
};

// What a response object says in all its states.
struct ResponseHead {
  std::string id;  // resp_…
  std::string model;
  int64_t created_at = 0;  // seconds since the epoch
  // Members that repeat the request, such as "temperature": 1; no braces.
  std::string request_members;
};

// How far a response has come.
struct ResponseState {
  std::string status = "in_progress";  // completed, incomplete, failed, cancelled
  std::optional<std::string> incomplete_reason;  // max_output_tokens
  std::optional<std::string> error;  // why it failed
  std::optional<int64_t> completed_at;
  std::optional<ResponseUsage> usage;
};

// The part of a message's or reasoning item's content, with `text` in it.
void append_content_part(JsonWriter& writer, const OutputItem& item, std::string_view text);

// `status`: in_progress (then without content), completed or incomplete.
void append_output_item(JsonWriter& writer, const OutputItem& item, std::string_view status);

void append_response(
    JsonWriter& writer,
    const ResponseHead& head,
    const ResponseState& state,
    const std::vector<OutputItem>& items
);

}  // namespace quire::server
