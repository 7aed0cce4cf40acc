#pragma once

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/child_process.h"
#include "support/test_paths.h"

// The program as users start it: build/release/quire with real arguments, files and pipes.
namespace quire::test {

inline const std::string kQuire = QUIRE_PROGRAM;

inline std::string model() {
  return (bundled_models_dir() / "small-chat").string();
}

inline ProcessResult quire_program(std::vector<std::string> words, std::string_view input = "") {
  words.insert(words.begin(), kQuire);
  return run_process(std::move(words), input);
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

// "error: field: …" as the last line of stderr, and nothing like a crash.
inline void expect_error(
    const ProcessResult& result, const std::string& field, const std::string& text
) {
  EXPECT_EQ(result.exit_code, 1) << result.err;
  ASSERT_FALSE(lines_of(result.err).empty());
  const std::string last = lines_of(result.err).back();
  EXPECT_THAT(last, ::testing::StartsWith("error: " + field));
  EXPECT_THAT(last, ::testing::HasSubstr(text));
}

}  // namespace quire::test
