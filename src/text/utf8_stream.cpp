#include "text/utf8_stream.h"

namespace quire {

Utf8Sequence::State Utf8Sequence::push(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (size_ == 0) {
    lowest_ = 0x80;
    highest_ = 0xBF;
    if (byte < 0x80) {
      length_ = 1;
    } else if (byte >= 0xC2 && byte <= 0xDF) {
      length_ = 2;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
      length_ = 3;
      if (byte == 0xE0) lowest_ = 0xA0;  // shorter forms exist
      if (byte == 0xED) highest_ = 0x9F;  // surrogates
    } else if (byte >= 0xF0 && byte <= 0xF4) {
      length_ = 4;
      if (byte == 0xF0) lowest_ = 0x90;
      if (byte == 0xF4) highest_ = 0x8F;  // beyond U+10FFFF
    } else {
      return State::kInvalid;
    }
  } else if (byte < lowest_ || byte > highest_) {
    return State::kInvalid;
  } else {
    lowest_ = 0x80;
    highest_ = 0xBF;
  }
  bytes_[size_++] = c;
  return size_ == length_ ? State::kComplete : State::kIncomplete;
}

void LossyUtf8Stream::append(std::string_view bytes, std::string& out) {
  size_t begin = 0;  // of what is complete but not yet in `out`
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char byte = bytes[i];
    if (pending_.is_empty()) {
      if (static_cast<unsigned char>(byte) < 0x80) continue;
      out.append(bytes, begin, i - begin);
      begin = i + 1;
      if (pending_.push(byte) == Utf8Sequence::State::kInvalid) out += kReplacementCharacter;
      continue;
    }
    switch (pending_.push(byte)) {
      case Utf8Sequence::State::kIncomplete:
        begin = i + 1;
        break;
      case Utf8Sequence::State::kComplete:
        out += pending_.bytes();
        pending_.clear();
        begin = i + 1;
        break;
      case Utf8Sequence::State::kInvalid:
        out += kReplacementCharacter;
        pending_.clear();
        begin = i;
        --i;  // the byte may begin the next character
        break;
    }
  }
  out.append(bytes, begin);
}

void LossyUtf8Stream::finish(std::string& out) {
  if (!pending_.is_empty()) out += kReplacementCharacter;
  pending_.clear();
}

}  // namespace quire
