#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quire::cli {

bool stdout_is_terminal();
bool stdin_is_terminal();
size_t terminal_width();  // columns of stdout; 80 where they are not known

// Writes to stdout at once. Throws EnvironmentError when that fails (a full disk).
void print(std::string_view text);
// Writes what other calls have left to write, and throws likewise.
void flush_stdout();
// The same through the user's pager (PAGER) when stdout is a terminal.
void print_in_pager(const std::string& text);
// A line on stderr, dim on a terminal.
void print_note(std::string_view text);
// `text` as it looks dim on a terminal.
std::string dim(std::string_view text);

// "error: field: message" on stderr.
void print_error(std::string_view field, std::string_view message);

}  // namespace quire::cli
