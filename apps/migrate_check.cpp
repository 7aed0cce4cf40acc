#include "cli/migrate_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "quire/error.h"

namespace {

constexpr const char* kHelp =
    "Usage: quire migrate-check FILE … | COMMAND LINE\n\n"
    "Say what becomes of each option, argument and variable of a script or of a `vllm serve …` "
    "line\n"
    "for vLLM: it works, it works in another way, or it is refused, with what to do instead.\n"
    "Files (.py, .ipynb, .sh, Dockerfile) are read by the Python package. The exit code is 1 if\n"
    "something is refused or cannot be read.\n";

bool is_file(const std::string& word) {
  const std::string name = word.substr(word.rfind('/') + 1);
  return name.starts_with("Dockerfile") ||
         std::ranges::any_of(std::array{".py", ".ipynb", ".sh"}, [&](const char* suffix) {
           return name.ends_with(suffix);
         });
}

void refuse_file(const std::string& word) {
  if (!is_file(word)) return;
  throw quire::InvalidArgument(
      word,
      "Files are read by the Python package: install it, and call quire migrate-check or python "
      "-m quire.migrate_check there."
  );
}

}  // namespace

int run_migrate_check(int argc, char** argv) {
  using namespace quire::cli;
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words.front() == "--help" || words.front() == "-h") {
    fmt::print("{}", kHelp);
    return 0;
  }
  refuse_file(words.front());
  if (words.size() == 1) words = split_line(words.front());
  const MigrationReport report = check_command(words);
  bool is_refused = false;
  for (const Finding& finding : report.findings) {
    is_refused |= finding.fate == Fate::kRefused;
    const char* colon = finding.sentence.empty() ? "" : ": ";
    fmt::print("{:<8} {}{}{}\n", fate_name(finding.fate), finding.what, colon, finding.sentence);
  }
  fmt::print("{:<8} {}\n", "engine", report.engine);
  return is_refused ? 1 : 0;
}
