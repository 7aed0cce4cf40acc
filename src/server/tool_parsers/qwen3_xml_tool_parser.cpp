#include "server/tool_parsers/qwen3_xml_tool_parser.h"

#include <algorithm>

#include "server/tool_parsers/value_copier.h"

namespace quire::server {
namespace {

constexpr std::string_view kCallBegin = "<tool_call>";
constexpr std::string_view kCallEnd = "</tool_call>";
constexpr std::string_view kFunctionBegin = "<function=";
constexpr std::string_view kFunctionEnd = "</function>";
constexpr std::string_view kParameterBegin = "<parameter=";
// The line break before an end belongs to it. Models forget the first two at times.
constexpr std::string_view kValueEnds[] = {
    "\n</parameter>", "</parameter>", "\n</function>", "\n<parameter="};
constexpr size_t kNumParameterEnds = 2;

}  // namespace

Qwen3XmlToolParser::Qwen3XmlToolParser(std::string_view tools_json)
    : ToolParser({{.tag = kCallBegin}, {.tag = kFunctionBegin, .is_read = true}}),
      schemas_(tools_json),
      value_ends_({std::begin(kValueEnds), std::end(kValueEnds)}) {}

void Qwen3XmlToolParser::open(size_t) {
  state_ = State::kFunction;
}

Progress Qwen3XmlToolParser::read(std::string_view text, DeltaBuilder& out) {
  return run_steps(text, state_, [&](std::string_view rest) { return step(rest, out); });
}

Progress Qwen3XmlToolParser::step(std::string_view text, DeltaBuilder& out) {
  if (state_ == State::kValueBegin) return begin_value(text, out);
  if (state_ == State::kValue) return read_value(text, out);
  const size_t spaces = skip_whitespace(text, 0);
  if (spaces > 0) return {spaces};
  if (state_ == State::kFunction) return read_function(text);
  return state_ == State::kBody ? read_body(text, out) : read_after_call(text);
}

// Names may hold neither line breaks nor tags.
Qwen3XmlToolParser::Tag Qwen3XmlToolParser::read_tag(
    std::string_view text, std::string_view beginning
) {
  const Match match = match_prefix(text, beginning);
  if (match != Match::kYes) return {match};
  const std::string_view head = text.substr(0, kMaxNameBytes);
  const size_t end = head.find_first_of("\n<>", beginning.size());
  if (end == head.npos) return {head.size() == kMaxNameBytes ? Match::kNo : Match::kPartial};
  if (head[end] != '>' || end == beginning.size()) return {};
  return {Match::kYes, head.substr(beginning.size(), end - beginning.size()), end + 1};
}

Progress Qwen3XmlToolParser::read_function(std::string_view text) {
  const Tag tag = read_tag(text, kFunctionBegin);
  if (tag.match == Match::kPartial) return {};
  if (tag.match == Match::kNo) {
    // A start tag of which it is said that it is read.
    const bool is_bare = text.starts_with(kFunctionBegin);
    return {is_bare ? kFunctionBegin.size() : 0, Verdict::kReject};
  }
  name_ = tag.name;
  state_ = State::kBody;
  return {tag.size};
}

Progress Qwen3XmlToolParser::read_body(std::string_view text, DeltaBuilder& out) {
  for (const std::string_view end : {kFunctionEnd, kCallEnd}) {
    const Match match = match_prefix(text, end);
    if (match == Match::kPartial) return {};
    if (match == Match::kYes) return close_call(end, out);
  }
  const Tag tag = read_tag(text, kParameterBegin);
  if (tag.match == Match::kPartial) return {};
  if (tag.match == Match::kNo) return {0, Verdict::kReject};
  std::string json = out.call_is_open() ? ", \"" : "{\"";
  if (!out.call_is_open()) out.begin_call(name_);
  append_escaped(json, tag.name);
  out.add_arguments(json + "\": ");
  type_ = schemas_.type_of(name_, std::string(tag.name));
  state_ = State::kValueBegin;
  return {tag.size};
}

Progress Qwen3XmlToolParser::begin_value(std::string_view text, DeltaBuilder& out) {
  // A line break that ends the value too is left to it.
  const TagScanner::Hit hit = value_ends_.match(text);
  if (text[0] == '\n' && hit.match == Match::kPartial) return {};
  is_streamed_ = type_.kind == ParameterType::kString && !type_.may_be_null;
  if (is_streamed_) out.add_arguments("\"");
  value_.clear();
  state_ = State::kValue;
  return {text[0] == '\n' && hit.match == Match::kNo ? 1u : 0u};
}

Progress Qwen3XmlToolParser::read_value(std::string_view text, DeltaBuilder& out) {
  const TagScanner::Hit hit = value_ends_.find(text);
  add_to_value(text.substr(0, hit.begin), out);
  if (hit.match != Match::kYes) return {hit.begin};
  end_value(out);
  state_ = State::kBody;
  const size_t tag_size = hit.tag < kNumParameterEnds ? kValueEnds[hit.tag].size() : 1;
  return {hit.begin + tag_size};
}

void Qwen3XmlToolParser::add_to_value(std::string_view text, DeltaBuilder& out) {
  if (!is_streamed_) {
    value_ += text;
    if (value_.size() <= kMaxTypedBytes) return;
    is_streamed_ = true;
    out.add_arguments("\"");
    text = value_;
  }
  std::string json;
  append_escaped(json, text);
  out.add_arguments(json);
}

void Qwen3XmlToolParser::end_value(DeltaBuilder& out) {
  out.add_arguments(is_streamed_ ? "\"" : convert_parameter(type_, value_));
}

// `end` is the tag that the text begins with; one that ends more than the function is left there.
Progress Qwen3XmlToolParser::close_call(std::string_view end, DeltaBuilder& out) {
  const bool is_empty = !out.call_is_open();
  if (is_empty) out.begin_call(name_);
  out.add_arguments(is_empty ? "{}" : "}");
  state_ = State::kAfterCall;
  return {end == kFunctionEnd ? end.size() : 0, Verdict::kCallEnd};
}

Progress Qwen3XmlToolParser::read_after_call(std::string_view text) {
  const Match end = match_prefix(text, kCallEnd);
  if (end == Match::kYes) return {kCallEnd.size(), Verdict::kEnd};
  const Match next = match_prefix(text, kFunctionBegin);
  if (next == Match::kYes) state_ = State::kFunction;
  if (next == Match::kYes || next == Match::kPartial || end == Match::kPartial) return {};
  return {0, Verdict::kEnd};
}

}  // namespace quire::server
