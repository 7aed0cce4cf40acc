#pragma once

#include <cstddef>
#include <string>

namespace quire::server {

// `num_digits` random hexadecimal digits, which nobody can guess from others. From any thread.
std::string random_hex(size_t num_digits);

// "chatcmpl-tool-" and 16 digits.
std::string make_tool_call_id();

}  // namespace quire::server
