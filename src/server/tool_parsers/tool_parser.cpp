#include "server/tool_parsers/tool_parser.h"

#include <utility>

namespace quire::server {
namespace {

template <typename Starts>
std::vector<std::string_view> tags_of(const Starts& starts, bool with_only_first) {
  std::vector<std::string_view> tags;
  for (const auto& start : starts) {
    if (with_only_first || !start.only_first) tags.push_back(start.tag);
  }
  return tags;
}

}  // namespace

ToolParser::ToolParser(std::vector<Start> starts)
    : starts_(std::move(starts)),
      first_tags_(tags_of(starts_, true)),
      later_tags_(tags_of(starts_, false)) {
  for (size_t i = 0; i < starts_.size(); i++) {
    if (!starts_[i].only_first) later_starts_.push_back(i);
  }
}

void ToolParser::push(std::string_view text, DeltaBuilder& out) {
  const bool had_pending = !pending_.empty();
  if (had_pending) text = pending_ += text;
  size_t taken = 0;
  for (;;) {
    const bool was_in_calls = is_in_calls_;
    const Progress progress = step(text.substr(taken), out);
    taken += progress.taken;
    // A call may end before a tag that ends more than the call, and so without taking anything.
    const bool is_stuck = progress.taken == 0 && progress.verdict == Verdict::kMore;
    if (is_stuck && was_in_calls == is_in_calls_) break;
  }
  if (had_pending) {
    pending_.erase(0, taken);
  } else {
    pending_ = text.substr(taken);
  }
}

void ToolParser::finish(DeltaBuilder& out) {
  if (is_in_calls_) {
    if (!out.call_is_open() && !is_between_calls()) add_content(held_ + pending_, out);
  } else if (!pending_.empty() || out.num_calls() == 0) {
    add_content(pending_, out);
  }
  out.end_call();
  pending_.clear();
  held_.clear();
  is_in_calls_ = false;
}

Progress ToolParser::step(std::string_view text, DeltaBuilder& out) {
  if (text.empty()) return {};
  return is_in_calls_ ? read_calls(text, out) : read_content(text, out);
}

Progress ToolParser::read_content(std::string_view text, DeltaBuilder& out) {
  if (holds_spaces_) {
    const size_t num_spaces = skip_whitespace(text, 0);
    spaces_ += text.substr(0, num_spaces);
    if (num_spaces > 0) return {num_spaces};
  }
  TagScanner::Hit hit = has_begun_ ? later_tags_.find(text) : first_tags_.match(text);
  if (!has_begun_ && hit.match == Match::kNo) hit = later_tags_.find(text);
  if (hit.begin > 0) {
    add_content(text.substr(0, hit.begin), out);
    return {hit.begin};
  }
  if (hit.match != Match::kYes) return {};
  const size_t start = has_begun_ ? later_starts_[hit.tag] : hit.tag;
  open(start);
  is_in_calls_ = true;
  if (starts_[start].is_read) return {};
  held_ = starts_[start].tag;
  return {held_.size()};
}

Progress ToolParser::read_calls(std::string_view text, DeltaBuilder& out) {
  const size_t room = kMaxHeldBytes - held_.size();
  const bool is_cut = !out.call_is_open() && text.size() > room;
  if (is_cut) text = text.substr(0, room);
  Progress progress = read(text, out);
  if (is_cut && progress.taken == 0 && progress.verdict == Verdict::kMore)
    progress.verdict = Verdict::kReject;
  if (out.call_is_open() || progress.verdict == Verdict::kCallEnd) {
    spaces_.clear();
    held_.clear();
    has_begun_ = true;
  } else {
    held_ += text.substr(0, progress.taken);
  }
  if (progress.verdict == Verdict::kCallEnd) out.end_call();
  if (progress.verdict == Verdict::kEnd) {
    const size_t end = held_.find_last_not_of(kWhitespace);
    spaces_ += end == held_.npos ? held_ : held_.substr(end + 1);
    held_.clear();
    leave_calls(out);
  }
  if (progress.verdict == Verdict::kReject) leave_calls(out);
  return progress;
}

// What has been held back turns out to be content.
void ToolParser::leave_calls(DeltaBuilder& out) {
  out.end_call();
  is_in_calls_ = false;
  holds_spaces_ = true;
  if (!held_.empty()) add_content(std::exchange(held_, {}), out);
}

void ToolParser::add_content(std::string_view text, DeltaBuilder& out) {
  out.add_content(spaces_);
  out.add_content(text);
  spaces_.clear();
  holds_spaces_ = false;
  has_begun_ = true;
}

}  // namespace quire::server
