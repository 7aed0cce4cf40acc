#include "server/tool_parsers/mistral_tool_parser.h"

namespace quire::server {
namespace {

constexpr std::string_view kArgsTag = "[ARGS]";
constexpr std::string_view kCallIdTag = "[CALL_ID]";

}  // namespace

MistralToolParser::MistralToolParser()
    : ToolParser({{.tag = "[TOOL_CALLS]"}}), list_({.may_be_list = true}) {}

void MistralToolParser::open(size_t) {
  state_ = State::kBegin;
  list_.restart();
}

bool MistralToolParser::is_between_calls() const {
  return state_ == State::kEnd || (state_ == State::kList && list_.is_between_calls());
}

Progress MistralToolParser::read(std::string_view text, DeltaBuilder& out) {
  return run_steps(text, state_, [&](std::string_view rest) { return step(rest, out); });
}

Progress MistralToolParser::step(std::string_view text, DeltaBuilder& out) {
  switch (state_) {
    case State::kBegin:
      return begin(text);
    case State::kList:
      return list_.read(text, out);
    case State::kName:
      return read_name(text);
    case State::kCallId:
      return read_call_id(text);
    case State::kArgumentsBegin:
      return begin_arguments(text, out);
    case State::kArguments:
      return read_arguments(text, out);
    case State::kEnd:
      return {0, Verdict::kEnd};
  }
  return {};
}

Progress MistralToolParser::begin(std::string_view text) {
  const size_t spaces = skip_whitespace(text, 0);
  if (spaces > 0) return {spaces};
  state_ = text[0] == '[' || text[0] == '{' ? State::kList : State::kName;
  return {};
}

Progress MistralToolParser::read_name(std::string_view text) {
  const std::string_view head = text.substr(0, kMaxNameBytes);
  const size_t end = head.find_first_of("{[ \t\r\n");
  if (end == head.npos)
    return {0, head.size() == kMaxNameBytes ? Verdict::kReject : Verdict::kMore};
  name_ = head.substr(0, end);
  state_ = State::kCallId;
  return {end, name_.empty() ? Verdict::kReject : Verdict::kMore};
}

// What may stand between a name and its arguments.
Progress MistralToolParser::read_call_id(std::string_view text) {
  const std::string_view head = text.substr(0, kMaxNameBytes);
  const Match match = match_prefix(head, kCallIdTag);
  if (match == Match::kPartial) return {};
  size_t taken = 0;
  if (match == Match::kYes) {
    const size_t end = head.find_first_of("{[", kCallIdTag.size());
    if (end == head.npos)
      return {0, head.size() == kMaxNameBytes ? Verdict::kReject : Verdict::kMore};
    taken = end;
  }
  const Match arguments = match_prefix(text.substr(taken), kArgsTag);
  if (arguments == Match::kPartial) return {};
  if (arguments == Match::kYes) taken += kArgsTag.size();
  state_ = State::kArgumentsBegin;
  return {taken};
}

Progress MistralToolParser::begin_arguments(std::string_view text, DeltaBuilder& out) {
  const size_t spaces = skip_whitespace(text, 0);
  if (spaces > 0) return {spaces};
  if (text[0] != '{') return {0, Verdict::kReject};
  out.begin_call(name_);
  copier_.restart();
  state_ = State::kArguments;
  return {};
}

Progress MistralToolParser::read_arguments(std::string_view text, DeltaBuilder& out) {
  arguments_.clear();
  Progress progress = copier_.read(text, arguments_);
  out.add_arguments(arguments_);
  if (progress.verdict == Verdict::kEnd) {
    state_ = State::kEnd;
    progress.verdict = Verdict::kCallEnd;
  }
  return progress;
}

}  // namespace quire::server
