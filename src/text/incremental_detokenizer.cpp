#include "text/incremental_detokenizer.h"

#include <algorithm>

#include "text/token_table.h"

namespace quire {
namespace {

// A decoder that looks at neighbours is given this many tokens of the prompt.
constexpr size_t kNumContextTokens = 6;
constexpr size_t kMaxIncompleteBytes = 3;

}  // namespace

IncrementalDetokenizer::IncrementalDetokenizer(
    std::shared_ptr<const Tokenizer> tokenizer,
    std::span<const int32_t> prompt_ids,
    bool skip_special_tokens,
    bool spaces_between_special_tokens
)
    : tokenizer_(std::move(tokenizer)),
      table_(tokenizer_->token_table()),
      skip_special_tokens_(skip_special_tokens),
      spaces_between_added_tokens_(skip_special_tokens || spaces_between_special_tokens),
      num_to_strip_(table_.strip_count()) {
  prime(prompt_ids);
}

// Brings the state to the prompt's end: its front is decoded as far as a text's front is special,
// and its tail as far back as an incomplete character or a run of byte tokens may reach.
void IncrementalDetokenizer::prime(std::span<const int32_t> prompt_ids) {
  const auto counts = [&](int32_t id) {
    return table_.has_token(id) && !(skip_special_tokens_ && table_.is_special(id));
  };
  if (table_.kind() == TokenTable::Kind::kGeneral) {
    for (int32_t id : prompt_ids.last(std::min(prompt_ids.size(), kNumContextTokens)))
      if (counts(id)) window_.push_back(id);
    num_printed_ = window_.size();
    return;
  }

  std::string unused;
  size_t front = 0;
  for (; front < prompt_ids.size() && (is_first_ || num_to_strip_ > 0); ++front)
    append(prompt_ids[front], unused);
  size_t tail = prompt_ids.size();
  for (size_t num_bytes = 0; tail > front; --tail) {
    const int32_t id = prompt_ids[tail - 1];
    if (!counts(id)) continue;
    if (table_.kind() == TokenTable::Kind::kText) {
      if (!table_.is_fallback_byte(id)) break;
    } else if (num_bytes >= kMaxIncompleteBytes) {
      break;
    }
    num_bytes += table_.piece(id, false).size();
  }
  if (tail > front) finish(unused);  // what the front left does not reach the tail
  for (int32_t id : prompt_ids.subspan(tail))
    append(id, unused);
  last_was_added_ = false;
}

void IncrementalDetokenizer::append(int32_t id, std::string& out) {
  if (!table_.has_token(id) || (skip_special_tokens_ && table_.is_special(id))) return;
  if (table_.kind() == TokenTable::Kind::kGeneral) {
    append_by_decoding(id, out);
  } else {
    append_token(id, out);
  }
  is_first_ = false;
}

void IncrementalDetokenizer::append_token(int32_t id, std::string& out) {
  bool without_space = is_first_;
  if (!spaces_between_added_tokens_) {
    const bool is_added = table_.is_added(id);
    without_space |= is_added && last_was_added_;
    last_was_added_ = is_added;
  }
  const std::string_view piece = table_.piece(id, without_space);
  if (table_.kind() == TokenTable::Kind::kBytes) {
    bytes_.append(piece, out);
  } else if (table_.is_fallback_byte(id)) {
    append_fallback_byte(piece.front(), out);
  } else {
    end_fallback_run(out);
    append_text(piece, out);
  }
}

void IncrementalDetokenizer::append_text(std::string_view text, std::string& out) {
  while (num_to_strip_ > 0 && !text.empty()) {
    if (text.front() == table_.strip_char()) {
      text.remove_prefix(1);
      --num_to_strip_;
    } else {
      num_to_strip_ = 0;
    }
  }
  out += text;
}

// A run of byte tokens is text if all of it is valid; from its first wrong byte on, each byte is a
// U+FFFD of its own.
void IncrementalDetokenizer::append_fallback_byte(char byte, std::string& out) {
  if (fallback_run_is_broken_) {
    append_text(kReplacementCharacter, out);
    return;
  }
  switch (fallback_bytes_.push(byte)) {
    case Utf8Sequence::State::kIncomplete:
      break;
    case Utf8Sequence::State::kComplete:
      append_text(fallback_bytes_.bytes(), out);
      fallback_bytes_.clear();
      break;
    case Utf8Sequence::State::kInvalid:
      end_fallback_run(out);
      append_text(kReplacementCharacter, out);
      fallback_run_is_broken_ = true;
      break;
  }
}

void IncrementalDetokenizer::end_fallback_run(std::string& out) {
  for (int i = 0; i < fallback_bytes_.size(); ++i)
    append_text(kReplacementCharacter, out);
  fallback_bytes_.clear();
  fallback_run_is_broken_ = false;
}

// The text of the window less that of its printed part; a text that ends in U+FFFD is not final.
void IncrementalDetokenizer::append_by_decoding(int32_t id, std::string& out) {
  window_.push_back(id);
  const std::span<const int32_t> ids(window_);
  const std::string printed = tokenizer_->decode(ids.first(num_printed_), skip_special_tokens_);
  const std::string text = tokenizer_->decode(ids, skip_special_tokens_);
  if (text.size() <= printed.size() || text.ends_with(kReplacementCharacter)) return;
  out.append(text, printed.size());
  window_.erase(window_.begin(), window_.begin() + static_cast<ptrdiff_t>(num_printed_));
  num_printed_ = window_.size();
}

void IncrementalDetokenizer::finish(std::string& out) {
  if (table_.kind() == TokenTable::Kind::kGeneral) {
    const std::span<const int32_t> ids(window_);
    const std::string printed = tokenizer_->decode(ids.first(num_printed_), skip_special_tokens_);
    const std::string text = tokenizer_->decode(ids, skip_special_tokens_);
    if (text.size() > printed.size()) out.append(text, printed.size());
    num_printed_ = window_.size();
    return;
  }
  bytes_.finish(out);
  end_fallback_run(out);
}

}  // namespace quire
