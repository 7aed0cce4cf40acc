#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace quire::cli {

// --help as argparse shows it: an option with its type, below it the help, wrapped.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_description(const CLI::App* app) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_group(
      std::string group, bool is_positional, std::vector<const CLI::Option*> options
  ) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
};

// `text` in lines of at most `width` bytes, each after `indent` spaces.
std::string wrap(const std::string& text, size_t indent, size_t width);

}  // namespace quire::cli
