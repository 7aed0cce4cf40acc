#pragma once

#include <string>

#include "cli/option_set.h"

// --help as argparse shows it: an option with its type, below it the help, wrapped.
namespace quire::cli {

struct HelpStyle {
  size_t width = 88;
  bool has_colour = false;
};

// `wish`: what stood after --help=. Empty: all options of the command; all: also those that take
// only one value; a group's name or its beginning; else a piece of options' names. Throws
// InvalidArgument when there is nothing of that name.
std::string format_help(const OptionSet& set, const std::string& wish, const HelpStyle& style);

// `text` in lines of at most `width` bytes, each after `indent` spaces.
std::string wrap(const std::string& text, size_t indent, size_t width);

}  // namespace quire::cli
