#include "server/tool_parsers/pythonic_tool_parser.h"

#include <utility>

namespace quire::server {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Length of the name at the front of the text: letters, digits, and dots if they may be there.
size_t name_size(std::string_view text, bool may_have_dots) {
  size_t size = 0;
  while (size < text.size() && (is_letter(text[size]) || (text[size] >= '0' && text[size] <= '9') ||
                                (may_have_dots && text[size] == '.')))
    size++;
  return size > 0 && is_letter(text[0]) ? size : 0;
}

}  // namespace

PythonicToolParser::PythonicToolParser(
    std::vector<Start> starts, bool has_brackets, std::string_view end_tag
)
    : ToolParser(std::move(starts)), has_brackets_(has_brackets), end_tag_(end_tag) {}

void PythonicToolParser::open(size_t) {
  state_ = has_brackets_ ? State::kBegin : State::kName;
  num_calls_ = 0;
}

bool PythonicToolParser::is_between_calls() const {
  return num_calls_ > 0 && (state_ == State::kAfterCall || state_ == State::kEndTag);
}

Progress PythonicToolParser::read(std::string_view text, DeltaBuilder& out) {
  return run_steps(text, state_, [&](std::string_view rest) { return step(rest, out); });
}

Progress PythonicToolParser::step(std::string_view text, DeltaBuilder& out) {
  if (state_ == State::kValue) return read_value(text, out);
  const size_t spaces = skip_whitespace(text, 0);
  if (spaces > 0) return {spaces};
  switch (state_) {
    case State::kBegin:
      if (text[0] != '[') return {0, Verdict::kReject};
      state_ = State::kName;
      return {1};
    case State::kName:
      return read_name(text);
    case State::kArgument:
      return read_argument(text, out);
    case State::kAfterValue:
      return read_after_value(text[0], out);
    case State::kAfterCall:
      return read_after_call(text);
    default:
      return read_end_tag(text);
  }
}

Progress PythonicToolParser::read_name(std::string_view text) {
  const std::string_view head = text.substr(0, kMaxNameBytes);
  const size_t size = name_size(head, true);
  if (size == head.size() && size < kMaxNameBytes) return {};
  if (size == 0 || size == head.size() || head[size] != '(') return {0, Verdict::kReject};
  name_ = head.substr(0, size);
  state_ = State::kArgument;
  return {size + 1};
}

// A keyword with its =, or the end of the call.
Progress PythonicToolParser::read_argument(std::string_view text, DeltaBuilder& out) {
  if (text[0] == ')') return close_call(out);
  const std::string_view head = text.substr(0, kMaxNameBytes);
  const size_t size = name_size(head, false);
  if (size == 0) return {0, Verdict::kReject};
  const size_t equals = skip_whitespace(head, size);
  if (equals == head.size()) return {0, equals < kMaxNameBytes ? Verdict::kMore : Verdict::kReject};
  if (head[equals] != '=') return {0, Verdict::kReject};
  head_ = out.call_is_open() ? ", \"" : "{\"";
  head_ += head.substr(0, size);
  head_ += "\": ";
  copier_.restart();
  state_ = State::kValue;
  return {equals + 1};
}

// The first value decides whether it is a call.
Progress PythonicToolParser::read_value(std::string_view text, DeltaBuilder& out) {
  json_.clear();
  const Progress progress = copier_.read(text, json_);
  if (!json_.empty() && !out.call_is_open()) out.begin_call(name_);
  if (out.call_is_open()) {
    out.add_arguments(head_);
    out.add_arguments(json_);
    head_.clear();
  }
  if (progress.verdict == Verdict::kReject) return progress;
  if (progress.verdict == Verdict::kEnd) state_ = State::kAfterValue;
  return {progress.taken};
}

Progress PythonicToolParser::read_after_value(char c, DeltaBuilder& out) {
  if (c == ')') return close_call(out);
  if (c != ',') return {0, Verdict::kReject};
  state_ = State::kArgument;
  return {1};
}

Progress PythonicToolParser::close_call(DeltaBuilder& out) {
  const bool is_empty = !out.call_is_open();
  if (is_empty) out.begin_call(name_);
  out.add_arguments(is_empty ? "{}" : "}");
  state_ = State::kAfterCall;
  num_calls_++;
  return {1, Verdict::kCallEnd};
}

Progress PythonicToolParser::read_after_call(std::string_view text) {
  if (text[0] == (has_brackets_ ? ']' : '<')) {
    state_ = State::kEndTag;
    return {has_brackets_ ? 1u : 0u};
  }
  const bool has_comma = text[0] == ',';
  if (has_brackets_ && !has_comma) return {0, Verdict::kReject};
  state_ = State::kName;
  return {has_comma ? 1u : 0u};
}

Progress PythonicToolParser::read_end_tag(std::string_view text) {
  if (end_tag_.empty()) return {0, Verdict::kEnd};
  switch (match_prefix(text, end_tag_)) {
    case Match::kYes:
      return {end_tag_.size(), Verdict::kEnd};
    case Match::kPartial:
      return {};
    default:
      return {0, Verdict::kEnd};
  }
}

}  // namespace quire::server
