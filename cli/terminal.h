#pragma once

#include <string>
#include <string_view>

namespace quire::cli {

bool stdout_is_terminal();
bool stdin_is_terminal();

// Writes to stdout at once. Throws EnvironmentError when that fails (a full disk).
void print(std::string_view text);
// A line on stderr, dim on a terminal.
void print_note(std::string_view text);
// `text` as it looks dim on a terminal.
std::string dim(std::string_view text);

// "error: field: message" on stderr.
void print_error(std::string_view field, std::string_view message);

}  // namespace quire::cli
