#include "cli/help.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/fixed_options.h"
#include "cli/option_names.h"
#include "cli/suggest.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

constexpr size_t kHelpIndent = 6;

using Options = std::vector<const OptionInfo*>;

std::string bold(const std::string& text, const HelpStyle& style) {
  return style.has_colour ? fmt::format("\x1b[1m{}\x1b[0m", text) : text;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

std::string names_of(const OptionInfo& option, bool has_long_forms) {
  std::vector<std::string> names;
  if (!option.short_flag.empty()) names.push_back(option.short_flag);
  const std::string flag = option.flag();
  const std::string short_forms = has_long_forms ? short_names(flag) : "";
  if (!short_forms.empty()) names.push_back(short_forms);
  names.push_back(flag);
  if (option.kind == OptionKind::kSwitch) names.push_back("--no-" + flag.substr(2));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string help_of(const OptionInfo& option) {
  if (option.default_text.empty()) return option.help;
  return fmt::format("{} (default: {})", option.help, option.default_text);
}

std::string format_option(const OptionInfo& option, const HelpStyle& style) {
  std::string head = "  " + bold(names_of(option, option.short_flag.empty()), style);
  if (!option.type.empty()) head += " " + option.type;
  return head + "\n" + wrap(help_of(option), kHelpIndent, style.width);
}

// The groups in the order in which their first options were declared.
std::vector<std::string> groups_of(const Options& options) {
  std::vector<std::string> groups;
  for (const OptionInfo* option : options) {
    if (std::ranges::find(groups, option->group) == groups.end()) groups.push_back(option->group);
  }
  return groups;
}

std::string format_options(const Options& options, const HelpStyle& style) {
  std::string text;
  for (const std::string& group : groups_of(options)) {
    text += (text.empty() ? "" : "\n") + bold(group + ":", style) + "\n";
    for (const OptionInfo* option : options) {
      if (option->group == group) text += format_option(*option, style);
    }
  }
  return text;
}

Options select(const OptionSet& set, const std::function<bool(const OptionInfo&)>& is_wanted) {
  Options selected;
  for (const OptionInfo& option : set.options()) {
    if (is_wanted(option)) selected.push_back(&option);
  }
  return selected;
}

Options find_options(const OptionSet& set, const std::string& wish) {
  const std::string wanted = lower(wish);
  Options found = select(set, [&](const OptionInfo& option) {
    return lower(option.group).starts_with(wanted);
  });
  if (!found.empty()) return found;
  const size_t start = std::min(wanted.find_first_not_of('-'), wanted.size());
  const std::string piece = with_dashes(wanted.substr(start));
  found = select(set, [&](const OptionInfo& option) {
    return !piece.empty() && option.flag().find(piece) != std::string::npos;
  });
  if (!found.empty()) return found;
  const auto groups = groups_of(select(set, [](const OptionInfo&) { return true; }));
  throw InvalidArgument(
      "--help",
      fmt::format(
          "quire {} has no group or option '{}'. Groups: {}; also all, page and markdown.",
          set.command(),
          wish,
          fmt::join(groups, ", ")
      )
  );
}

std::string head_of(const OptionSet& set) {
  const std::string argument = set.positional().empty() ? "" : "[MODEL] ";
  return fmt::format(
      "{}\n\nUsage: quire {} {}[OPTIONS]\n\n", set.description(), set.command(), argument
  );
}

// What is not seen at first sight.
std::string foot_of(const OptionSet& set, const Options& shown, const HelpStyle& style) {
  const auto is_fixed = [](const OptionInfo& option) { return option.fixed != nullptr; };
  const auto groups = groups_of(shown);
  if (groups.size() < 2) return "";
  std::string text = fmt::format(
      "--help=GROUP shows one group ({}), --help=NAME the options whose names have it in them, "
      "--help=page a page at a time.",
      fmt::join(groups, ", ")
  );
  if (std::ranges::any_of(set.options(), is_fixed)) {
    text +=
        " --help=all adds the options of vLLM that are taken with one value only. docs/options.md "
        "has all of them.";
  }
  return "\n" + wrap(text, 0, style.width);
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

std::string format_help(const OptionSet& set, const std::string& wish, const HelpStyle& style) {
  const bool is_all = wish == "all";
  if (!wish.empty() && !is_all && wish != "page") {
    return format_options(find_options(set, wish), style);
  }
  const Options shown =
      select(set, [&](const OptionInfo& option) { return is_all || option.fixed == nullptr; });
  return head_of(set) + format_options(shown, style) + foot_of(set, shown, style);
}

}  // namespace quire::cli
