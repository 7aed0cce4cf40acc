#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/version.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/environment_report.h"

namespace {

std::string format_section(const quire::ReportSection& section) {
  size_t width = 0;
  for (const auto& [name, value] : section.entries)
    width = std::max(width, name.size());
  std::string text = "\n" + section.title + "\n";
  if (section.entries.empty()) text += "  none\n";
  for (const auto& [name, value] : section.entries) {
    text += fmt::format("  {:<{}}  {}\n", name, width, value);
  }
  return text;
}

}  // namespace

int run_collect_env(int argc, char** argv) {
  using namespace quire::cli;
  CommandLine command_line("collect-env", "Prints what a bug report should tell of this machine.");
  if (!command_line.parse(argc, argv)) return 0;
  std::string text = fmt::format(
      "quire {}\n  built by {}, {}, CLI11 {}\n", kVersion, kCompiler, kBuildType, CLI11_VERSION
  );
  for (const quire::ReportSection& section : quire::environment_report()) {
    text += format_section(section);
  }
  print(text);
  return 0;
}
