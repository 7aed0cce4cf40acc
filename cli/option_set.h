#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config_file.h"
#include "cli/json_option.h"
#include "cli/option_value.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

// What stands behind a CommandLine: the options of a command, and what was given for them.
namespace quire::cli {

struct FixedOption;  // cli/fixed_options.h

enum class OptionKind : uint8_t {
  kValue,
  kSwitch,  // --x and --no-x
  kList,  // several words
  kJson,  // a JSON object, or its parts: --x.key value
  kTextList,  // several words, or a JSON list
};

struct OptionInfo {
  std::string name;  // with underscores: "max_tokens"
  std::string short_flag;  // "-q"; may be empty
  OptionKind kind = OptionKind::kValue;
  std::string type;  // as --help shows it; empty for a switch
  std::string default_text;
  std::string group;
  std::string help;
  const FixedOption* fixed = nullptr;  // takes only the value that quire has anyway

  std::string flag() const;  // "--max-tokens"
};

struct Given {
  Words words;
  std::string where;  // for errors: "--max-tokens", or with the place in a file
};

class OptionSet {
 public:
  OptionSet(std::string command, std::string description);
  ~OptionSet();

  void add(OptionInfo option);
  // One word that stands alone is the value of option `name`.
  void take_positional(std::string name) { positional_ = std::move(name); }
  // vLLM's short and former names.
  void take_long_forms() { takes_long_forms_ = true; }

  // The words of a command line, without the program. Throws InvalidArgument.
  void read(const Words& words);
  // Options of a file: those that the command line did not give. `path` stands in errors.
  void read(const std::vector<ConfigEntry>& entries, const std::string& path);
  // Puts the parts of JSON values together and checks the values of fixed options. Throws
  // InvalidArgument.
  void finish();

  const Given* given(std::string_view name) const;  // nullptr: it was not
  // What stood after --help=; empty: --help alone. nullopt: no help is wanted.
  const std::optional<std::string>& help_wish() const { return help_wish_; }

  const std::vector<OptionInfo>& options() const { return options_; }
  const std::string& command() const { return command_; }
  const std::string& description() const { return description_; }
  const std::string& positional() const { return positional_; }

 private:
  const OptionInfo* find(std::string_view flag) const;  // also by its --no- form
  Words prepared(const Words& words);
  bool take_help(const std::string& word);
  size_t take_json_part(const Words& words, size_t i);
  void take_leftovers(const Words& words);
  void take_entry(const ConfigEntry& entry, const std::string& path);
  [[noreturn]] void refuse(const std::string& word, const std::string& where) const;

  std::string command_;
  std::string description_;
  std::string positional_;
  bool takes_long_forms_ = false;
  std::vector<OptionInfo> options_;
  std::vector<std::pair<std::string, CLI::Option*>> parsers_;  // of options_, in the same order
  std::unique_ptr<CLI::App> app_;
  std::map<std::string, Given, std::less<>> given_;
  std::map<std::string, std::vector<JsonPart>, std::less<>> parts_;
  std::optional<std::string> help_wish_;
};

}  // namespace quire::cli
