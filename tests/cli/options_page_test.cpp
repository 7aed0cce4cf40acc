#include "cli/options_page.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace quire::cli {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kDocs = QUIRE_DOCS_DIR;

TEST(OptionsPageTest, TheFileIsWhatTheListsSay) {
  EXPECT_EQ(read_file(kDocs / "options.md"), options_page())
      << "write it anew: quire serve --help=markdown > docs/options.md";
}

TEST(OptionsPageTest, EachGroupHasOneTable) {
  const std::string page = options_page();
  for (const char* title : {"\n### CacheConfig\n", "\n### SchedulerConfig\n", "\n### Frontend\n"}) {
    const size_t first = page.find(title);
    ASSERT_NE(first, std::string::npos) << title;
    EXPECT_EQ(page.find(title, first + 1), std::string::npos) << title;
  }
  EXPECT_THAT(page, HasSubstr("| `--tensor-parallel-size`, `-tp` | `1` | One process"));
}

}  // namespace
}  // namespace quire::cli
