#include "server/tool_parsers/json_calls.h"

namespace quire::server {

void JsonCalls::restart() {
  state_ = State::kBegin;
  is_in_list_ = false;
  num_calls_ = 0;
}

Progress JsonCalls::read(std::string_view text, DeltaBuilder& out) {
  return run_steps(text, state_, [&](std::string_view rest) {
    return state_ == State::kCall ? read_call(rest, out) : read_mark(rest);
  });
}

Progress JsonCalls::read_call(std::string_view text, DeltaBuilder& out) {
  const Progress progress = call_.read(text, out);
  if (progress.verdict != Verdict::kEnd) return progress;
  state_ = State::kAfterCall;
  num_calls_++;
  return {progress.taken, Verdict::kCallEnd};
}

Progress JsonCalls::read_mark(std::string_view text) {
  const size_t spaces = skip_whitespace(text, 0);
  if (spaces > 0) return {spaces};
  if (state_ == State::kEndTag) return read_end_tag(text);
  return state_ == State::kAfterCall ? read_after_call(text) : read_before_call(text[0]);
}

Progress JsonCalls::read_before_call(char c) {
  if (state_ == State::kBegin && c == '[' && shape_.may_be_list) {
    is_in_list_ = true;
    state_ = State::kBeforeCall;
    return {1};
  }
  const bool may_begin = is_in_list_ || shape_.may_be_object;
  if (c != '{' || !may_begin) return {0, Verdict::kReject};
  call_.restart();
  state_ = State::kCall;
  return {0};
}

Progress JsonCalls::read_after_call(std::string_view text) {
  if (is_in_list_ && text[0] == ']') {
    state_ = State::kEndTag;
    return {1};
  }
  const std::string_view separator = is_in_list_ ? "," : shape_.separator;
  if (!separator.empty() && text.starts_with(separator)) {
    state_ = State::kBeforeCall;
    return {separator.size()};
  }
  if (is_in_list_) return {0, Verdict::kReject};
  state_ = State::kEndTag;
  return {0};
}

Progress JsonCalls::read_end_tag(std::string_view text) {
  if (shape_.end_tag.empty()) return {0, Verdict::kEnd};
  switch (match_prefix(text, shape_.end_tag)) {
    case Match::kYes:
      return {shape_.end_tag.size(), Verdict::kEnd};
    case Match::kPartial:
      return {0, Verdict::kMore};
    default:
      return {0, Verdict::kEnd};
  }
}

}  // namespace quire::server
