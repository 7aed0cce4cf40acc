#pragma once

#include <string>
#include <string_view>

namespace quire {

// Any text as one line that a terminal may show: what ends a line or commands the terminal, and
// bytes that are no UTF-8, stand as \n, \r, \t or \x1b. Everything else, backslashes too, is as
// it was.
std::string single_line(std::string_view text);

}  // namespace quire
