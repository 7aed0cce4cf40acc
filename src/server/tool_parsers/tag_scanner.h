#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/tool_parsers/progress.h"

namespace quire::server {

// Finds the first of several tags in a text that arrives in pieces.
class TagScanner {
 public:
  struct Hit {
    size_t begin = 0;  // text before it holds no tag
    Match match = Match::kNo;  // kPartial: a tag may begin there; kNo: begin is the text's size
    size_t tag = 0;  // index of the tag, for kYes
  };

  // The tags' characters must outlive the scanner; none may be empty.
  explicit TagScanner(std::vector<std::string_view> tags);

  Hit find(std::string_view text) const;
  // Only at the text's beginning. The longest tag wins.
  Hit match(std::string_view text) const;
  std::string_view tag(size_t index) const { return tags_[index]; }

 private:
  std::vector<std::string_view> tags_;
  std::string first_bytes_;
};

}  // namespace quire::server
