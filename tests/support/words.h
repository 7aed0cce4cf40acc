#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace quire::test {

// Parses `words` as the command line of `quire test`. Throws InvalidArgument.
inline bool parse_words(cli::CommandLine& command_line, std::vector<std::string> words) {
  words.insert(words.begin(), "test");
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  return command_line.parse(static_cast<int>(argv.size()), argv.data());
}

}  // namespace quire::test
