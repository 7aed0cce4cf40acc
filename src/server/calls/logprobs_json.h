#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/json_writer.h"
#include "quire/request_output.h"
#include "quire/tokenizer.h"

namespace quire::server {

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
