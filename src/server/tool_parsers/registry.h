#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "server/tool_parsers/tool_parser.h"

namespace quire::server {

// Throws InvalidArgument (field "tool_call_parser") for an unknown name.
std::unique_ptr<ToolParser> make_tool_parser(std::string_view name, std::string_view tools_json);

// Whether the format's tags are special tokens. Throws as above.
bool has_special_tool_tags(std::string_view name);

}  // namespace quire::server
