#pragma once

#include <optional>
#include <string>
#include <string_view>

// How an option may be spelled.
namespace quire::cli {

std::string with_dashes(std::string name);  // for the underscores
// "max_tokens" and "--max_tokens" are "--max-tokens"; "-q,--quick" stays as it is.
std::string flag_of(const std::string& name);

// A word of a command line, taken apart: --name.path+=value.
struct OptionWord {
  std::string name;  // "--name" with dashes
  std::string path;  // of a value inside an option that takes JSON: "key.subkey"; may be empty
  bool appends = false;  // to the list at `path`
  std::optional<std::string> value;  // after the =
};
// nullopt: not a long option.
std::optional<OptionWord> split_option_word(std::string_view word);

// vLLM's short and former names: "-tp=2" is "--tensor-parallel-size=2", "-O2" is
// "--optimization-level=2", "--disable-log-requests" is "--no-enable-log-requests". nullopt: none.
std::optional<std::string> long_form(std::string_view word);

// The short names of a long one, with commas between: "-tp". Empty: it has none.
std::string short_names(std::string_view flag);

}  // namespace quire::cli
