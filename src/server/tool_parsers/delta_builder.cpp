#include "server/tool_parsers/delta_builder.h"

#include <utility>

#include "base/check.h"

namespace quire::server {

void DeltaBuilder::begin_call(std::string_view name) {
  QUIRE_CHECK(!call_is_open_);
  call_is_open_ = true;
  delta_.tool_calls.push_back({.index = num_calls_++, .name = std::string(name)});
}

void DeltaBuilder::add_arguments(std::string_view json) {
  QUIRE_CHECK(call_is_open_);
  if (json.empty()) return;
  const int index = num_calls_ - 1;
  auto& calls = delta_.tool_calls;
  if (calls.empty() || calls.back().index != index) calls.push_back({.index = index});
  calls.back().arguments += json;
}

MessageDelta DeltaBuilder::take() {
  return std::exchange(delta_, {});
}

}  // namespace quire::server
