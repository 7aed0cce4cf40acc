#include "cli/migrate_check.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "quire/error.h"

namespace {

constexpr const char* kHelp =
    "Usage: quire migrate-check SCRIPT.py | COMMAND LINE\n\n"
    "Say what becomes of each option, argument and variable of a script or of a `vllm serve …` "
    "line\n"
    "for vLLM: it works, it works in another way, or it is refused, with what to do instead.\n"
    "Scripts are read by the Python package. The exit code is 1 if something is refused.\n";

void refuse_script(const std::string& word) {
  if (!word.ends_with(".py")) return;
  throw quire::InvalidArgument(
      word,
      "Scripts are read by the Python package: install it, and call quire migrate-check or python "
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
  refuse_script(words.front());
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
