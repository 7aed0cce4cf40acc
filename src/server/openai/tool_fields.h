#pragma once

#include <optional>
#include <string>

#include "server/requests/request_value.h"

namespace quire::server {

// `tools` and `tool_choice` of a request, as they stand there; null counts as not given.
struct ToolFields {
  std::optional<RequestValue> tools;
  std::optional<RequestValue> tool_choice;
};

struct ToolUse {
  std::string tools_json;  // as the template shows them: each with description and parameters
  bool may_call_tools = false;
  bool is_switched_off = false;  // tool_choice none
};

// Throws ApiError or InvalidArgument with vLLM's sentences for what cannot be, and for a choice
// that needs constrained output.
ToolUse resolve_tool_use(const ToolFields& fields);

}  // namespace quire::server
