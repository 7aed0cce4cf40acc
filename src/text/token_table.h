#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct quire_token_table;

namespace quire {

// The text of every token id, taken from the tokenizer's decoder once. Immutable.
class TokenTable {
 public:
  enum class Kind {
    kBytes,  // all bytes together are read as UTF-8, errors as U+FFFD
    kText,  // pieces are text, but for single bytes (is_fallback_byte), which form runs
    kGeneral,  // a token's text depends on its neighbours: there are no pieces
  };

  // Copies what the Rust library made.
  explicit TokenTable(const ::quire_token_table& native);

  Kind kind() const { return kind_; }
  int32_t num_ids() const { return static_cast<int32_t>(flags_.size()); }
  bool has_token(int32_t id) const { return id >= 0 && id < num_ids() && !has(id, kMissing); }

  // `id` must have a token. `is_first`: nothing stands before it.
  std::string_view piece(int32_t id, bool is_first) const {
    const Pieces& pieces = is_first && !first_pieces_.offsets.empty() ? first_pieces_ : pieces_;
    const size_t begin = pieces.offsets[id];
    return {pieces.bytes.data() + begin, pieces.offsets[id + 1] - begin};
  }
  bool is_special(int32_t id) const { return has(id, kSpecial); }
  bool is_added(int32_t id) const { return has(id, kAdded); }
  bool is_fallback_byte(int32_t id) const { return has(id, kFallbackByte); }

  // Up to strip_count characters strip_char go off the front of the whole text.
  int strip_count() const { return strip_count_; }
  char strip_char() const { return strip_char_; }

 private:
  enum Flag : uint8_t { kSpecial = 1, kAdded = 2, kFallbackByte = 4, kMissing = 8 };
  struct Pieces {
    std::vector<uint32_t> offsets;  // [num_ids + 1]
    std::string bytes;
  };
  bool has(int32_t id, Flag flag) const { return (flags_[id] & flag) != 0; }

  Kind kind_;
  int strip_count_;
  char strip_char_;
  std::vector<uint8_t> flags_;
  Pieces pieces_;
  Pieces first_pieces_;  // empty: the same as pieces_
};

}  // namespace quire
