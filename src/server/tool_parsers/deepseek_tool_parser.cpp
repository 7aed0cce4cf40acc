#include "server/tool_parsers/deepseek_tool_parser.h"

namespace quire::server {
namespace {

constexpr std::string_view kCallsBegin = "<｜tool▁calls▁begin｜>";
constexpr std::string_view kCallsEnd = "<｜tool▁calls▁end｜>";
constexpr std::string_view kCallBegin = "<｜tool▁call▁begin｜>";
constexpr std::string_view kSeparator = "<｜tool▁sep｜>";
constexpr std::string_view kCallEnd = "<｜tool▁call▁end｜>";
constexpr std::string_view kFence = "```json";
constexpr std::string_view kFenceEnd = "```";

}  // namespace

DeepSeekToolParser::DeepSeekToolParser(Version version)
    : ToolParser({{.tag = kCallsBegin}, {.tag = kCallBegin, .is_read = true}}), version_(version) {}

void DeepSeekToolParser::open(size_t) {
  state_ = State::kBetween;
  num_calls_ = 0;
}

bool DeepSeekToolParser::is_between_calls() const {
  return num_calls_ > 0 && state_ != State::kHead && state_ != State::kName &&
         state_ != State::kFence && state_ != State::kArgumentsBegin;
}

Progress DeepSeekToolParser::read(std::string_view text, DeltaBuilder& out) {
  return run_steps(text, state_, [&](std::string_view rest) { return step(rest, out); });
}

Progress DeepSeekToolParser::step(std::string_view text, DeltaBuilder& out) {
  if (state_ == State::kArguments) return read_arguments(text, out);
  if (state_ == State::kHead) return read_head(text);
  if (state_ == State::kName) return read_name(text);
  const size_t spaces = skip_whitespace(text, 0);
  if (spaces > 0) return {spaces};
  switch (state_) {
    case State::kBetween:
      return read_between(text);
    case State::kFence:
      return read_optional(text, kFence, State::kArgumentsBegin);
    case State::kArgumentsBegin:
      return begin_arguments(text[0], out);
    case State::kFenceEnd:
      return read_optional(text, kFenceEnd, State::kCallEnd);
    default:
      return read_optional(text, kCallEnd, State::kBetween);
  }
}

Progress DeepSeekToolParser::read_between(std::string_view text) {
  const Match begin = match_prefix(text, kCallBegin);
  const Match end = match_prefix(text, kCallsEnd);
  if (begin == Match::kPartial || end == Match::kPartial) return {};
  if (begin == Match::kYes) {
    state_ = State::kHead;
    return {kCallBegin.size()};
  }
  if (end == Match::kYes && num_calls_ > 0) return {kCallsEnd.size(), Verdict::kEnd};
  return {0, num_calls_ > 0 ? Verdict::kEnd : Verdict::kReject};
}

// What stands before the separator: the name, or the word "function".
Progress DeepSeekToolParser::read_head(std::string_view text) {
  const std::string_view head = text.substr(0, kMaxNameBytes);
  const size_t end = head.find(kSeparator);
  if (end == head.npos)
    return {0, head.size() == kMaxNameBytes ? Verdict::kReject : Verdict::kMore};
  const bool is_name = version_ == Version::kV31;
  name_ = is_name ? head.substr(0, end) : "";
  state_ = is_name ? State::kArgumentsBegin : State::kName;
  const bool is_bad = is_name && name_.find_first_of("\n<{") != name_.npos;
  return {end + kSeparator.size(), is_bad ? Verdict::kReject : Verdict::kMore};
}

Progress DeepSeekToolParser::read_name(std::string_view text) {
  const std::string_view head = text.substr(0, kMaxNameBytes);
  const size_t end = head.find_first_of("\n`{<");
  if (end == head.npos)
    return {0, head.size() == kMaxNameBytes ? Verdict::kReject : Verdict::kMore};
  name_ = head.substr(0, end);
  name_.erase(name_.find_last_not_of(kWhitespace) + 1);
  state_ = State::kFence;
  return {end, head[end] == '<' ? Verdict::kReject : Verdict::kMore};
}

// A fence or an end that is missing does no harm.
Progress DeepSeekToolParser::read_optional(
    std::string_view text, std::string_view tag, State next
) {
  const Match match = match_prefix(text, tag);
  if (match == Match::kPartial) return {};
  state_ = next;
  return {match == Match::kYes ? tag.size() : 0};
}

Progress DeepSeekToolParser::begin_arguments(char c, DeltaBuilder& out) {
  if (c != '{' || name_.empty()) return {0, Verdict::kReject};
  out.begin_call(name_);
  copier_.restart();
  state_ = State::kArguments;
  return {};
}

Progress DeepSeekToolParser::read_arguments(std::string_view text, DeltaBuilder& out) {
  arguments_.clear();
  Progress progress = copier_.read(text, arguments_);
  out.add_arguments(arguments_);
  if (progress.verdict != Verdict::kEnd) return progress;
  state_ = State::kFenceEnd;
  num_calls_++;
  return {progress.taken, Verdict::kCallEnd};
}

}  // namespace quire::server
