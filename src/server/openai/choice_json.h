#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/json_writer.h"
#include "quire/request_output.h"
#include "quire/tokenizer.h"

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

// A list of {token id: {logprob, rank, decoded_token}}, with null where nothing predicts the token;
// or null.
void write_prompt_logprobs(
    JsonWriter& writer, const std::optional<std::vector<PositionLogprobs>>& prompt_logprobs
);

// How logprobs show tokens.
struct TokenTexts {
  std::shared_ptr<const Tokenizer> tokenizer;
  bool as_token_ids = false;  // "token_id:5"
};

// The logprobs of a completion: tokens, token_logprobs, top_logprobs and text_offset. Positions
// that nothing predicts are empty. `text_offset`: characters before the first token; moves on.
void write_completion_logprobs(
    JsonWriter& writer,
    const TokenTexts& texts,
    std::span<const int32_t> token_ids,  // [positions]
    std::span<const PositionLogprobs> positions,
    int num_top_logprobs,
    int64_t& text_offset
);

// An object per token: token, logprob, bytes, top_logprobs. `num_top_logprobs`: -1: all.
void write_token_logprobs(
    JsonWriter& writer,
    const TokenTexts& texts,
    std::span<const PositionLogprobs> positions,
    int num_top_logprobs
);

// The logprobs of a chat's answer: content, with an entry per token. `num_top_logprobs`: -1: all.
void write_chat_logprobs(
    JsonWriter& writer,
    const TokenTexts& texts,
    std::span<const PositionLogprobs> positions,
    int num_top_logprobs
);

}  // namespace quire::server
