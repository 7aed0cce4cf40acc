#include "server/reasoning_parsers/reasoning_parser.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quire/error.h"
#include "server/message_parser.h"

namespace quire::server {
namespace {

const std::vector<ReasoningFormat>& formats() {
  static const std::vector<ReasoningFormat> all = {
      {.name = "deepseek_r1", .starts = {"<think>"}, .ends = {"</think>"}},
      {.name = "deepseek_v3",
       .starts = {"<think>"},
       .ends = {"</think>"},
       .begins_with_thoughts = false},
      {.name = "granite",
       .starts = {"Here is my thought process:", "Here's my thought process:"},
       .ends = {"Here is my response:", "Here's my response:"},
       .begins_with_thoughts = false},
      {.name = "mistral",
       .starts = {"[THINK]"},
       .ends = {"[/THINK]"},
       .begins_with_thoughts = false,
       .may_come_anywhere = true},
      {.name = "qwen3",
       .starts = {"<think>"},
       .ends = {"</think>"},
       .implied_ends = {"<tool_call>"}},
  };
  return all;
}

std::vector<std::string_view> join(
    std::vector<std::string_view> first, const std::vector<std::string_view>& second
) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

const ReasoningFormat& find_reasoning_format(std::string_view name) {
  const auto found = std::ranges::find(formats(), name, &ReasoningFormat::name);
  if (found != formats().end()) return *found;
  throw InvalidArgument(
      "reasoning_parser",
      fmt::format(
          "There is no reasoning parser '{}'. Choose one of: {}.",
          name,
          fmt::join(reasoning_parser_names(), ", ")
      )
  );
}

std::vector<std::string> reasoning_parser_names() {
  std::vector<std::string> names;
  for (const ReasoningFormat& format : formats())
    names.emplace_back(format.name);
  return names;
}

ReasoningParser::ReasoningParser(const ReasoningFormat& format, Begin begin)
    : format_(format),
      starts_(format.starts),
      ends_(join(format.ends, format.implied_ends)),
      content_tags_(join(format.starts, format.ends)) {
  const bool in_thoughts = begin == Begin::kInThoughts || format.begins_with_thoughts;
  fallback_ = in_thoughts ? State::kThoughts : State::kContent;
  if (begin == Begin::kAfterThoughts) state_ = State::kContent;
}

void ReasoningParser::push(std::string_view text, std::string& reasoning, std::string& content) {
  const bool had_pending = !pending_.empty();
  if (had_pending) text = pending_ += text;
  size_t taken = 0;
  while (taken < text.size()) {
    const State before = state_;
    const size_t step_taken = step(text.substr(taken), reasoning, content);
    taken += step_taken;
    if (step_taken == 0 && state_ == before) break;
  }
  if (had_pending) {
    pending_.erase(0, taken);
  } else {
    pending_ = text.substr(taken);
  }
}

void ReasoningParser::finish(std::string& reasoning, std::string& content) {
  if (state_ == State::kBeginning) state_ = fallback_;
  (state_ == State::kThoughts ? reasoning : content) += spaces_ + pending_;
  spaces_.clear();
  pending_.clear();
}

size_t ReasoningParser::step(std::string_view text, std::string& reasoning, std::string& content) {
  switch (state_) {
    case State::kBeginning:
      return begin(text, reasoning, content);
    case State::kThoughts:
      return read_thoughts(text, reasoning);
    case State::kContent:
      return read_content(text, content);
  }
  return 0;
}

size_t ReasoningParser::begin(std::string_view text, std::string& reasoning, std::string& content) {
  const size_t num_spaces = skip_whitespace(text, 0);
  spaces_ += text.substr(0, num_spaces);
  if (num_spaces > 0) return num_spaces;
  const TagScanner::Hit start = starts_.match(text);
  if (start.match == Match::kPartial) return 0;
  if (start.match == Match::kYes) {
    spaces_.clear();
    state_ = State::kThoughts;
    return starts_.tag(start.tag).size();
  }
  state_ = fallback_;
  (state_ == State::kThoughts ? reasoning : content) += spaces_;
  spaces_.clear();
  return 0;
}

size_t ReasoningParser::read_thoughts(std::string_view text, std::string& reasoning) {
  const TagScanner::Hit end = ends_.find(text);
  reasoning += text.substr(0, end.begin);
  if (end.match != Match::kYes) return end.begin;
  state_ = State::kContent;
  const bool is_implied = end.tag >= format_.ends.size();
  return end.begin + (is_implied ? 0 : ends_.tag(end.tag).size());
}

size_t ReasoningParser::read_content(std::string_view text, std::string& content) {
  if (!format_.may_come_anywhere) {
    content += text;
    return text.size();
  }
  const TagScanner::Hit hit = content_tags_.find(text);
  content += text.substr(0, hit.begin);
  if (hit.match != Match::kYes) return hit.begin;
  if (hit.tag < format_.starts.size()) state_ = State::kThoughts;
  return hit.begin + content_tags_.tag(hit.tag).size();
}

}  // namespace quire::server
