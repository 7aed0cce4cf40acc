// What the program tells of the machine that built it.
#include <algorithm>

#include <gtest/gtest.h>

#include "base/file.h"
#include "e2e/quire_program.h"

namespace quire {
namespace {

// The part of `bytes` up to the next NUL around `folder`; "": it is not there.
std::string string_with(const std::string& bytes, const std::string& folder) {
  const size_t place = bytes.find(folder);
  if (place == std::string::npos) return "";
  const size_t end = std::min(bytes.find('\0', place), place + 200);
  return bytes.substr(place, end - place);
}

TEST(ProgramPathsTest, TheStrippedProgramNamesNoFolderOfItsBuild) {
  const test::TempDir dir;
  const std::string stripped = dir.path() / "quire";
  const test::ProcessResult result = test::run_process({QUIRE_STRIP, "-o", stripped, test::kQuire});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string bytes = read_file(stripped);
  ASSERT_NE(string_with(bytes, "engine_core.cpp"), "") << "sources are named in errors";
  ASSERT_NE(string_with(bytes, "tokenizers-"), "") << "those of crates, too";
  for (const std::string folder : {QUIRE_SOURCE_DIR, QUIRE_HOME_DIR}) {
    if (folder.empty()) continue;
    EXPECT_EQ(string_with(bytes, folder + "/"), "");
  }
}

}  // namespace
}  // namespace quire
