#include "server/tool_parsers/json_call.h"

#include <algorithm>

namespace quire::server {

void JsonCall::restart() {
  *this = JsonCall(is_strict_);
}

Progress JsonCall::read(std::string_view text, DeltaBuilder& out) {
  return run_steps(text, state_, [&](std::string_view rest) {
    Progress progress = step(rest, out);
    if (state_ == State::kEnd) progress.verdict = Verdict::kEnd;
    return progress;
  });
}

Progress JsonCall::step(std::string_view text, DeltaBuilder& out) {
  if (!is_in_part_) {
    const size_t spaces = skip_whitespace(text, 0);
    if (spaces > 0) return {spaces};
  }
  switch (state_) {
    case State::kKey:
      return read_key(text);
    case State::kValue:
      return is_in_part_ ? read_value(text, out) : begin_value(text, out);
    default:
      return read_mark(text[0], out);
  }
}

// One of { : , }
Progress JsonCall::read_mark(char c, DeltaBuilder& out) {
  if (state_ == State::kOpen && c == '{') {
    state_ = State::kKey;
  } else if (state_ == State::kColon && c == ':') {
    state_ = State::kValue;
  } else if (state_ == State::kAfterValue && c == ',') {
    state_ = State::kKey;
  } else if (state_ == State::kAfterValue && c == '}' && out.call_is_open()) {
    state_ = State::kEnd;
  } else {
    return {0, Verdict::kReject};
  }
  return {1};
}

Progress JsonCall::read_key(std::string_view text) {
  if (!is_in_part_) {
    if (text[0] != '"') return {0, Verdict::kReject};
    is_in_part_ = true;
    copier_.restart();
    part_.clear();
  }
  const Progress progress = copier_.read(text, part_);
  if (progress.verdict != Verdict::kEnd) return progress;
  is_in_part_ = false;
  state_ = State::kColon;
  if (!begin_member()) return {progress.taken, Verdict::kReject};
  return {progress.taken};
}

// part_ is a key; false: this is no call.
bool JsonCall::begin_member() {
  constexpr std::string_view kCommon[] = {
      R"("name")", R"("arguments")", R"("parameters")", R"("type")", R"("id")"};
  const bool is_call = !name_.empty() && has_arguments_;
  if (is_strict_ && !is_call && std::ranges::find(kCommon, part_) == std::end(kCommon))
    return false;
  member_ = Member::kOther;
  if (part_ == R"("name")" && name_.empty()) member_ = Member::kName;
  const bool is_arguments = part_ == R"("arguments")" || part_ == R"("parameters")";
  if (is_arguments && !has_arguments_) member_ = Member::kArguments;
  return true;
}

Progress JsonCall::begin_value(std::string_view text, DeltaBuilder& out) {
  const char c = text[0];
  if (member_ == Member::kName && c != '"') return {0, Verdict::kReject};
  if (member_ == Member::kArguments) {
    if (c != '{') return {0, Verdict::kReject};
    has_arguments_ = true;
    if (!name_.empty()) out.begin_call(name_);
  }
  is_in_part_ = true;
  copier_.restart();
  part_.clear();
  return read_value(text, out);
}

Progress JsonCall::read_value(std::string_view text, DeltaBuilder& out) {
  const Progress progress = copier_.read(text, part_);
  if (member_ == Member::kArguments) {
    if (out.call_is_open()) {
      out.add_arguments(part_);
    } else {
      early_arguments_ += part_;
    }
  }
  if (member_ != Member::kName) part_.clear();
  if (progress.verdict != Verdict::kEnd) return progress;
  is_in_part_ = false;
  state_ = State::kAfterValue;
  if (member_ == Member::kName && !end_name(out)) return {progress.taken, Verdict::kReject};
  return {progress.taken};
}

// part_ is the name, in quotes; false: no function has such a name.
bool JsonCall::end_name(DeltaBuilder& out) {
  name_ = part_.substr(1, part_.size() - 2);
  if (name_.empty() || name_.find('\\') != name_.npos) return false;
  if (!has_arguments_) return true;
  out.begin_call(name_);
  out.add_arguments(early_arguments_);
  return true;
}

}  // namespace quire::server
