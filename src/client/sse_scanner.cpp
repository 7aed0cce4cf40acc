#include "client/sse_scanner.h"

#include <cstring>

namespace quire::client {

// "data: …\n\n" in one piece, as nearly every event comes: nothing is copied. 0: not so.
size_t SseScanner::take_plain_event(std::string_view piece, OnEvent on_event) {
  constexpr std::string_view kPrefix = "data: ";
  if (has_data_ || !event_.empty() || !rest_.empty() || ended_with_cr_) return 0;
  if (!piece.starts_with(kPrefix)) return 0;
  const void* found = std::memchr(piece.data(), '\n', piece.size());
  if (found == nullptr) return 0;
  const size_t end = static_cast<const char*>(found) - piece.data();
  if (end + 1 >= piece.size() || piece[end + 1] != '\n') return 0;
  const std::string_view data = piece.substr(kPrefix.size(), end - kPrefix.size());
  if (data.find('\r') != std::string_view::npos) return 0;
  on_event({{}, data});
  return end + 2;
}

void SseScanner::feed(std::string_view piece, OnEvent on_event) {
  while (!piece.empty()) {
    if (const size_t taken = take_plain_event(piece, on_event)) {
      piece.remove_prefix(taken);
      continue;
    }
    if (ended_with_cr_) {
      ended_with_cr_ = false;
      if (piece.front() == '\n') {
        piece.remove_prefix(1);
        continue;
      }
    }
    const size_t end = piece.find_first_of("\r\n");
    if (end == std::string_view::npos) {
      rest_ += piece;
      return;
    }
    ended_with_cr_ = piece[end] == '\r';
    if (rest_.empty()) {
      take_line(piece.substr(0, end), on_event);
    } else {
      rest_ += piece.substr(0, end);
      take_line(rest_, on_event);
      rest_.clear();
    }
    piece.remove_prefix(end + 1);
  }
}

void SseScanner::take_line(std::string_view line, OnEvent on_event) {
  if (line.empty()) {
    if (has_data_) on_event({event_, data_});
    event_.clear();
    data_.clear();
    has_data_ = false;
    return;
  }
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (name == "event") {
    event_ = value;
  }
}

void SseScanner::reset() {
  *this = SseScanner();
}

}  // namespace quire::client
