#include "server/tool_parsers/registry.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quire/error.h"
#include "server/tool_parsers/deepseek_tool_parser.h"
#include "server/tool_parsers/json_tool_parser.h"
#include "server/tool_parsers/mistral_tool_parser.h"
#include "server/tool_parsers/pythonic_tool_parser.h"
#include "server/tool_parsers/qwen3_xml_tool_parser.h"

namespace quire::server {
namespace {

using Made = std::unique_ptr<ToolParser>;

struct Entry {
  std::string_view name;
  Made (*make)(std::string_view tools_json);
  bool has_special_tags = false;
};

Made deepseek_v3(std::string_view) {
  return std::make_unique<DeepSeekToolParser>(DeepSeekToolParser::Version::kV3);
}

Made deepseek_v31(std::string_view) {
  return std::make_unique<DeepSeekToolParser>(DeepSeekToolParser::Version::kV31);
}

Made granite(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{
          {.tag = "<|tool_call|>"},
          {.tag = "<tool_call>"},
          {.tag = "[", .is_read = true, .only_first = true}},
      JsonCallsShape{.may_be_object = false, .may_be_list = true}
  );
}

Made granite_20b_fc(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{{.tag = "<function_call>"}}, JsonCallsShape{}
  );
}

Made hermes(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{{.tag = "<tool_call>"}},
      JsonCallsShape{.end_tag = "</tool_call>"}
  );
}

Made internlm(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{{.tag = "<|action_start|><|plugin|>"}},
      JsonCallsShape{.end_tag = "<|action_end|>"}
  );
}

Made jamba(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{{.tag = "<tool_calls>"}},
      JsonCallsShape{.may_be_object = false, .may_be_list = true, .end_tag = "</tool_calls>"}
  );
}

// The tag is not always there, so any object may be a call until a member says otherwise.
Made llama3_json(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{{.tag = "<|python_tag|>"}, {.tag = "{", .is_read = true}},
      JsonCallsShape{.separator = ";", .is_strict = true}
  );
}

Made llama4_pythonic(std::string_view) {
  return std::make_unique<PythonicToolParser>(
      std::vector<PythonicToolParser::Start>{
          {.tag = "<|python_start|>"}, {.tag = "[", .is_read = true, .only_first = true}},
      true,
      "<|python_end|>"
  );
}

Made longcat(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{{.tag = "<longcat_tool_call>"}},
      JsonCallsShape{.end_tag = "</longcat_tool_call>"}
  );
}

Made mistral(std::string_view) {
  return std::make_unique<MistralToolParser>();
}

Made olmo3(std::string_view) {
  return std::make_unique<PythonicToolParser>(
      std::vector<PythonicToolParser::Start>{{.tag = "<function_calls>"}},
      false,
      "</function_calls>"
  );
}

Made phi4_mini_json(std::string_view) {
  return std::make_unique<JsonToolParser>(
      std::vector<JsonToolParser::Start>{{.tag = "functools"}},
      JsonCallsShape{.may_be_object = false, .may_be_list = true}
  );
}

Made pythonic(std::string_view) {
  return std::make_unique<PythonicToolParser>(
      std::vector<PythonicToolParser::Start>{{.tag = "[", .is_read = true, .only_first = true}},
      true,
      ""
  );
}

Made qwen3_xml(std::string_view tools_json) {
  return std::make_unique<Qwen3XmlToolParser>(tools_json);
}

constexpr Entry kEntries[] = {
    {"deepseek_v3", deepseek_v3, true},
    {"deepseek_v31", deepseek_v31, true},
    {"granite", granite, true},
    {"granite-20b-fc", granite_20b_fc, true},
    {"granite4", hermes, true},
    {"hermes", hermes, true},
    {"internlm", internlm, true},
    {"jamba", jamba, true},
    {"llama3_json", llama3_json},
    {"llama4_json", llama3_json},
    {"llama4_pythonic", llama4_pythonic},
    {"longcat", longcat, true},
    {"mistral", mistral, true},
    {"olmo3", olmo3},
    {"phi4_mini_json", phi4_mini_json},
    {"pythonic", pythonic},
    {"qwen3_coder", qwen3_xml, true},
    {"qwen3_xml", qwen3_xml, true},
};

const Entry& find(std::string_view name) {
  const auto entry = std::ranges::find(kEntries, name, &Entry::name);
  if (entry != std::end(kEntries)) return *entry;
  throw InvalidArgument(
      "tool_call_parser",
      fmt::format(
          "There is no tool call parser '{}'. Choose one of: {}.",
          name,
          fmt::join(tool_call_parser_names(), ", ")
      )
  );
}

}  // namespace

Made make_tool_parser(std::string_view name, std::string_view tools_json) {
  return find(name).make(tools_json);
}

bool has_special_tool_tags(std::string_view name) {
  return find(name).has_special_tags;
}

std::vector<std::string> tool_call_parser_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries)
    names.emplace_back(entry.name);
  return names;
}

}  // namespace quire::server
