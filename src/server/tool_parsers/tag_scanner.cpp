#include "server/tool_parsers/tag_scanner.h"

#include <utility>

#include "base/check.h"

namespace quire::server {

TagScanner::TagScanner(std::vector<std::string_view> tags) : tags_(std::move(tags)) {
  for (const std::string_view tag : tags_) {
    QUIRE_CHECK(!tag.empty());
    if (first_bytes_.find(tag[0]) == first_bytes_.npos) first_bytes_ += tag[0];
  }
}

TagScanner::Hit TagScanner::find(std::string_view text) const {
  for (size_t pos = text.find_first_of(first_bytes_); pos != text.npos;
       pos = text.find_first_of(first_bytes_, pos + 1)) {
    Hit hit = match(text.substr(pos));
    if (hit.match == Match::kNo) continue;
    hit.begin = pos;
    return hit;
  }
  return {.begin = text.size()};
}

TagScanner::Hit TagScanner::match(std::string_view text) const {
  Hit best;
  for (size_t i = 0; i < tags_.size(); i++) {
    const Match match = match_prefix(text, tags_[i]);
    if (match == Match::kNo) continue;
    const bool is_longer = best.match != Match::kYes || tags_[i].size() > tags_[best.tag].size();
    if (match == Match::kYes && is_longer) best = {.match = match, .tag = i};
    if (match == Match::kPartial && best.match == Match::kNo) best = {.match = match};
  }
  return best;
}

}  // namespace quire::server
