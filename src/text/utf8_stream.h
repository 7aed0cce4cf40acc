#pragma once

#include <string>
#include <string_view>

#include "base/utf8.h"

namespace quire {

// One character of UTF-8, byte by byte.
class Utf8Sequence {
 public:
  enum class State { kIncomplete, kComplete, kInvalid };

  // Takes the next byte of the sequence. kInvalid: it does not fit and was not taken.
  State push(char byte);
  bool is_empty() const { return size_ == 0; }
  int size() const { return size_; }
  std::string_view bytes() const { return {bytes_, static_cast<size_t>(size_)}; }
  void clear() { size_ = 0; }

 private:
  char bytes_[4] = {};
  int size_ = 0;
  int length_ = 0;  // of the whole character
  unsigned char lowest_ = 0x80;  // of the next byte
  unsigned char highest_ = 0xBF;
};

// Bytes in any pieces to valid UTF-8: each longest wrong part becomes one U+FFFD, as in Python,
// Rust and browsers. A character that is not complete yet waits.
class LossyUtf8Stream {
 public:
  void append(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  Utf8Sequence pending_;
};

}  // namespace quire
