#pragma once

#include <string>
#include <string_view>
#include <vector>

// The small grammar of header values and targets.
namespace quire::server {

std::string_view trim(std::string_view text);  // without spaces and tabs around it
std::string to_lower(std::string_view text);
bool equals_ignoring_case(std::string_view left, std::string_view right);  // ASCII
// "a, b" as {"a", "b"}; empty elements are left out.
std::vector<std::string_view> split_list(std::string_view text);
// %41 becomes A; what is no such escape stays. `plus_is_space`: as in a query.
std::string percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace quire::server
