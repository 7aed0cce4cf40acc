#include "text/token_table.h"

#include "base/check.h"
#include "quire_text.h"

namespace quire {
namespace {

TokenTable::Kind kind_of(int32_t native) {
  switch (native) {
    case QUIRE_TOKENS_ARE_BYTES:
      return TokenTable::Kind::kBytes;
    case QUIRE_TOKENS_ARE_TEXT:
      return TokenTable::Kind::kText;
    default:
      QUIRE_CHECK(native == QUIRE_TOKENS_ARE_GENERAL, "kind {}", native);
      return TokenTable::Kind::kGeneral;
  }
}

}  // namespace

TokenTable::TokenTable(const ::quire_token_table& native)
    : kind_(kind_of(native.kind)),
      strip_count_(static_cast<int>(native.strip_count)),
      strip_char_(static_cast<char>(native.strip_char)),
      flags_(native.flags, native.flags + native.num_ids) {
  static_assert(kSpecial == QUIRE_TOKEN_SPECIAL && kAdded == QUIRE_TOKEN_ADDED);
  static_assert(kFallbackByte == QUIRE_TOKEN_FALLBACK_BYTE && kMissing == QUIRE_TOKEN_MISSING);
  const auto copy = [&](Pieces& to, const uint32_t* offsets, const char* bytes) {
    to.offsets.assign(offsets, offsets + native.num_ids + 1);
    to.bytes.assign(bytes, offsets[native.num_ids]);
  };
  copy(pieces_, native.offsets, native.bytes);
  if (native.first_offsets != nullptr) {
    copy(first_pieces_, native.first_offsets, native.first_bytes);
  }
}

}  // namespace quire
