#include "cli/help_formatter.h"

#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace quire::cli {
namespace {

constexpr size_t kHelpIndent = 6;
constexpr size_t kHelpWidth = 88;

std::string names_of(const CLI::Option* option) {
  std::vector<std::string> names;
  for (const std::string& name : option->get_snames())
    names.push_back("-" + name);
  for (const std::string& name : option->get_lnames())
    names.push_back("--" + name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string wrap(const std::string& text, size_t indent, size_t width) {
  std::istringstream words(text);
  std::string out;
  std::string line(indent, ' ');
  for (std::string word; words >> word;) {
    if (line.size() > indent && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line.assign(indent, ' ');
    }
    if (line.size() > indent) line += ' ';
    line += word;
  }
  return out + line + "\n";
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return app->get_description() + "\n\n";
}

std::string HelpFormatter::make_usage(const CLI::App*, std::string name) const {
  return "Usage: " + name + " [OPTIONS]\n\n";
}

std::string HelpFormatter::make_group(
    std::string group, bool is_positional, std::vector<const CLI::Option*> options
) const {
  std::string text = group + ":\n";
  for (const CLI::Option* option : options)
    text += make_option(option, is_positional);
  return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool) const {
  std::string head = "  " + names_of(option);
  if (!option->get_type_name().empty() && option->get_expected_max() > 0) {
    head += " " + option->get_type_name();
  }
  std::string help = option->get_description();
  if (!option->get_default_str().empty()) {
    help += fmt::format(" (default: {})", option->get_default_str());
  }
  return head + "\n" + wrap(help, kHelpIndent, kHelpWidth);
}

}  // namespace quire::cli
