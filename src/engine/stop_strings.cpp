#include "engine/stop_strings.h"

#include <algorithm>

namespace quire {
namespace {

bool starts_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> stop, bool include_in_output)
    : stop_(std::move(stop)), include_in_output_(include_in_output) {
  if (include_in_output_) return;  // whatever follows, the text so far stays
  for (const std::string& s : stop_) {
    num_held_back_ = std::max(num_held_back_, count_characters(s));
  }
  if (num_held_back_ > 0) --num_held_back_;
}

std::optional<StopStrings::Match> StopStrings::find(std::string_view text, size_t searched) const {
  if (searched >= text.size()) return std::nullopt;
  for (const std::string& stop : stop_) {
    // text:  | … | may begin here | new |
    //                             ^ searched
    const size_t start = searched + 1 > stop.size() ? searched + 1 - stop.size() : 0;
    const size_t found = text.find(stop, start);
    if (found == std::string_view::npos) continue;
    return Match{stop, include_in_output_ ? found + stop.size() : found};
  }
  return std::nullopt;
}

size_t StopStrings::held_back_bytes(std::string_view text) const {
  size_t length = text.size();
  for (size_t i = 0; i < num_held_back_ && length > 0; ++i) {
    do {
      --length;
    } while (length > 0 && !starts_character(text[length]));
  }
  return text.size() - length;
}

}  // namespace quire
