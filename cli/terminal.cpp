#include "cli/terminal.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/env.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

[[noreturn]] void fail_stdout() {
  throw EnvironmentError(fmt::format("Cannot write to standard output: {}.", std::strerror(errno)));
}

}  // namespace

bool stdout_is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}
bool stdin_is_terminal() {
  return isatty(STDIN_FILENO) == 1;
}

size_t terminal_width() {
  constexpr size_t kUsual = 80;
  winsize size{};
  const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : kUsual;
}

void print_in_pager(const std::string& text) {
  std::FILE* pager = stdout_is_terminal() ? popen(env::pager().c_str(), "w") : nullptr;
  if (pager == nullptr) {
    print(text);
    return;
  }
  (void)std::fwrite(text.data(), 1, text.size(), pager);  // the reader may leave before the end
  pclose(pager);
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_stdout();
  flush_stdout();
}

void flush_stdout() {
  if (std::fflush(stdout) != 0) fail_stdout();
}

void print_note(std::string_view text) {
  const bool is_dim = isatty(STDERR_FILENO) == 1;
  fmt::print(stderr, "{}\n", is_dim ? dim(text) : std::string(text));
}

std::string dim(std::string_view text) {
  return fmt::format("\x1b[2m{}\x1b[0m", text);
}

void print_error(std::string_view field, std::string_view message) {
  fmt::print(stderr, "error: {}{}{}\n", field, field.empty() ? "" : ": ", message);
}

}  // namespace quire::cli
