#include "server/calls/logprobs_json.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace quire::server {
namespace {

constexpr float kLowestLogprob = -9999.0f;  // JSON has no infinity

float shown_logprob(const Logprob& entry) {
  return std::max(entry.logprob, kLowestLogprob);
}

int64_t num_characters(std::string_view text) {
  return std::ranges::count_if(text, [](unsigned char c) { return (c & 0xc0) != 0x80; });
}

std::string token_text(const TokenTexts& texts, int32_t id, const std::string& decoded_token) {
  return texts.as_token_ids ? fmt::format("token_id:{}", id) : decoded_token;
}

// A token that nothing predicts has no entry that knows its text.
std::string unpredicted_token_text(const TokenTexts& texts, int32_t id) {
  if (texts.as_token_ids || !texts.tokenizer) return fmt::format("token_id:{}", id);
  return texts.tokenizer->token_text(id);
}

void write_logprob(JsonWriter& writer, const Logprob& entry) {
  writer.begin_object().field("logprob", shown_logprob(entry)).key("rank");
  entry.rank ? writer.value(*entry.rank) : writer.null();
  writer.field("decoded_token", entry.decoded_token).end_object();
}

void write_bytes(JsonWriter& writer, std::string_view text) {
  writer.key("bytes").begin_array();
  for (const char c : text)
    writer.value(static_cast<int>(static_cast<unsigned char>(c)));
  writer.end_array();
}

// {text: logprob} of the sampled token and the top ones. Of tokens with one text the likeliest
// stands for all.
void write_top_logprobs(
    JsonWriter& writer,
    const TokenTexts& texts,
    const PositionLogprobs& position,
    int num_top_logprobs
) {
  std::set<std::string, std::less<>> seen;
  writer.begin_object();
  for (int i = 0; i < static_cast<int>(position.size()) && i <= num_top_logprobs; ++i) {
    const auto& [id, entry] = position[i];
    const auto [text, is_new] = seen.insert(token_text(texts, id, entry.decoded_token));
    if (is_new) writer.field(*text, shown_logprob(entry));
  }
  writer.end_object();
}

// {"token", "logprob", "bytes"} without the closing bracket.
void begin_chat_token(
    JsonWriter& writer, const TokenTexts& texts, int32_t id, const Logprob& entry
) {
  writer.begin_object().field("token", token_text(texts, id, entry.decoded_token));
  writer.field("logprob", shown_logprob(entry));
  write_bytes(writer, entry.decoded_token);
}

}  // namespace

void write_prompt_logprobs(
    JsonWriter& writer, const std::optional<std::vector<PositionLogprobs>>& prompt_logprobs
) {
  if (!prompt_logprobs) {
    writer.null();
    return;
  }
  writer.begin_array();
  for (const PositionLogprobs& position : *prompt_logprobs) {
    if (position.empty()) {
      writer.null();
      continue;
    }
    writer.begin_object();
    for (const auto& [id, entry] : position) {
      writer.key(fmt::format_int(id).str());
      write_logprob(writer, entry);
    }
    writer.end_object();
  }
  writer.end_array();
}

void write_completion_logprobs(
    JsonWriter& writer,
    const TokenTexts& texts,
    std::span<const int32_t> token_ids,
    std::span<const PositionLogprobs> positions,
    int num_top_logprobs,
    int64_t& text_offset
) {
  std::vector<std::string> tokens;
  tokens.reserve(positions.size());
  for (size_t i = 0; i < positions.size(); ++i) {
    tokens.push_back(
        positions[i].empty()
            ? unpredicted_token_text(texts, token_ids[i])
            : token_text(
                  texts, positions[i].front().first, positions[i].front().second.decoded_token
              )
    );
  }
  writer.begin_object().key("text_offset").begin_array();
  for (const std::string& token : tokens) {
    writer.value(text_offset);
    text_offset += num_characters(token);
  }
  writer.end_array().key("token_logprobs").begin_array();
  for (const PositionLogprobs& position : positions)
    position.empty() ? writer.null() : writer.value(shown_logprob(position.front().second));
  writer.end_array().key("tokens").begin_array();
  for (const std::string& token : tokens)
    writer.value(token);
  writer.end_array().key("top_logprobs").begin_array();
  for (const PositionLogprobs& position : positions) {
    if (position.empty()) {
      writer.null();
    } else {
      write_top_logprobs(writer, texts, position, num_top_logprobs);
    }
  }
  writer.end_array().end_object();
}

void write_token_logprobs(
    JsonWriter& writer,
    const TokenTexts& texts,
    std::span<const PositionLogprobs> positions,
    int num_top_logprobs
) {
  for (const PositionLogprobs& position : positions) {
    const auto num_shown = num_top_logprobs < 0
                               ? position.size()
                               : std::min<size_t>(num_top_logprobs, position.size());
    begin_chat_token(writer, texts, position.front().first, position.front().second);
    writer.key("top_logprobs").begin_array();
    for (size_t i = 0; i < num_shown; ++i) {
      begin_chat_token(writer, texts, position[i].first, position[i].second);
      writer.end_object();
    }
    writer.end_array().end_object();
  }
}

void write_chat_logprobs(
    JsonWriter& writer,
    const TokenTexts& texts,
    std::span<const PositionLogprobs> positions,
    int num_top_logprobs
) {
  writer.begin_object().key("content").begin_array();
  write_token_logprobs(writer, texts, positions, num_top_logprobs);
  writer.end_array().key("refusal").null().end_object();
}

}  // namespace quire::server
