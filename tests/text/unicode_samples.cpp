#include "text/unicode_samples.h"

#include <algorithm>
#include <random>

namespace quire::test {
namespace {

constexpr const char* kBits[] = {
    " ",      "  ",       "\n",   "\r\n",          "\t",         "'s",          "'LL",
    "12345",  "<s>",      "</s>", "<|endoftext|>", "<|im_end|>", "<tool_call>", "[CLS]",
    "[MASK]", "<unk>",    "▁",    "e\u0301",       "\uFB01",     "\u2028",      "\u00A0",
    "\u3000", "👩\u200D💻", "abc",  "Hello",         "\u0130",     "\uAC00",
};

void append_character(std::string& out, uint32_t code) {
  const auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      byte(0xE0 | code >> 12);
    } else {
      byte(0xF0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3F));
    }
    byte(0x80 | (code >> 6 & 0x3F));
  }
  byte(0x80 | (code & 0x3F));
}

class Sampler {
 public:
  explicit Sampler(uint32_t seed) : random_(seed) {}

  std::string sample() {
    std::string text;
    for (uint32_t left = 1 + below(24); left > 0; --left)
      append_bit(text);
    return text;
  }

 private:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

  void append_bit(std::string& text) {
    switch (below(6)) {
      case 0:
        return append_character(text, 32 + below(95));
      case 1:
        text += kBits[below(std::size(kBits))];
        return;
      case 2:
        return append_character(text, 0x80 + below(0x3000));
      case 3:
        return append_character(text, 0x3000 + below(0xD800 - 0x3000));
      case 4:
        return append_character(text, 0x10000 + below(0x20000));
      default:
        for (uint32_t left = 1 + below(9); left > 0; --left)
          text += static_cast<char>('a' + below(26));
    }
  }

  std::mt19937 random_;
};

}  // namespace

std::vector<std::string> unicode_samples(int count, uint32_t seed) {
  Sampler sampler(seed);
  std::vector<std::string> samples(static_cast<size_t>(count));
  std::ranges::generate(samples, [&] { return sampler.sample(); });
  return samples;
}

std::vector<std::string> cut_into_pieces(std::string_view text, size_t piece_size) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(begin + piece_size, text.size());
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
      ++end;
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

}  // namespace quire::test
