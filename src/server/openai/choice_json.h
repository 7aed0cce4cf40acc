#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/json_writer.h"

namespace quire::server {

// What every answer and every event of a call begins with.
struct AnswerHead {
  std::string id;
  int64_t created = 0;  // seconds since the epoch
  std::string model;
  std::string system_fingerprint;
};
void write_head(JsonWriter& writer, const AnswerHead& head, const char* object);

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  std::optional<int64_t> cached_tokens;  // none: not told
};
void write_usage(JsonWriter& writer, const Usage& usage);

void write_token_ids(JsonWriter& writer, std::span<const int32_t> token_ids);

// The number or text that stopped it, or null.
void write_stop_reason(
    JsonWriter& writer, const std::variant<std::monostate, int32_t, std::string>& stop_reason
);

}  // namespace quire::server
