#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire {

// Looks for stop strings in a text that grows.
class StopStrings {
 public:
  struct Match {
    std::string stop;  // the string that was found
    size_t text_length;  // bytes of the text that remain
  };

  // `include_in_output`: the text is cut after the stop string, not before it.
  StopStrings(std::vector<std::string> stop, bool include_in_output);

  bool empty() const { return stop_.empty(); }

  // The first of the stop strings, in the order given, that ends after `searched` bytes: what lies
  // before was searched already.
  std::optional<Match> find(std::string_view text, size_t searched) const;

  // Bytes at the end of `text` that a stream may not show yet, because a stop string may begin
  // there: one character less than the longest stop string has.
  size_t held_back_bytes(std::string_view text) const;

 private:
  std::vector<std::string> stop_;
  bool include_in_output_;
  size_t num_held_back_ = 0;  // characters
};

}  // namespace quire
