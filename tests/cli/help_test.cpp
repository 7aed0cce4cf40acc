#include "cli/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_line.h"
#include "quire/error.h"
#include "support/words.h"

namespace quire::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// What `quire serve` prints for the words.
std::string printed(const std::vector<std::string>& words) {
  CommandLine command_line("serve", "Serves a model.");
  command_line.add_engine_options();
  command_line.add_server_options();
  ::testing::internal::CaptureStdout();
  bool goes_on = true;
  try {
    goes_on = test::parse_words(command_line, words);
  } catch (const InvalidArgument&) {
    ::testing::internal::GetCapturedStdout();
    throw;
  }
  EXPECT_FALSE(goes_on);
  return ::testing::internal::GetCapturedStdout();
}

TEST(HelpTest, ShowsAllThatACommandCanDo) {
  for (const char* flag : {"--help", "-h"}) {
    const std::string text = printed({flag});
    EXPECT_THAT(text, StartsWith("Serves a model.\n\nUsage: quire serve [MODEL] [OPTIONS]\n"));
    EXPECT_THAT(text, HasSubstr("\nFrontend:\n"));
    EXPECT_THAT(text, HasSubstr("\nSchedulerConfig:\n"));
    EXPECT_THAT(text, HasSubstr("  -asc, --api-server-count INT\n"));
    EXPECT_THAT(text, HasSubstr("  -h, --help [=GROUP|NAME|all|page]\n"));
    EXPECT_THAT(text, Not(HasSubstr("--tensor-parallel-size"))) << "it has one value only";
  }
}

TEST(HelpTest, ShowsOneGroup) {
  const std::string text = printed({"--help=cacheconfig"});
  EXPECT_THAT(text, AllOf(StartsWith("CacheConfig:\n"), HasSubstr("--block-size")));
  EXPECT_THAT(text, Not(HasSubstr("--max-num-seqs")));
  EXPECT_THAT(printed({"--help=Frontend"}), AllOf(HasSubstr("--port"), HasSubstr("--api-key")));
}

TEST(HelpTest, ShowsOptionsByName) {
  const std::string text = printed({"--help=max_num"});
  EXPECT_THAT(text, AllOf(HasSubstr("--max-num-seqs"), HasSubstr("--max-num-batched-tokens")));
  EXPECT_THAT(text, Not(HasSubstr("--port")));
  EXPECT_THAT(printed({"--port", "1", "--help=--block-size"}), StartsWith("CacheConfig:\n"));
}

TEST(HelpTest, ShowsWhatIsTakenWithOneValueToo) {
  EXPECT_THAT(
      printed({"--help=all"}),
      HasSubstr("  -tp, --tensor-parallel-size VALUE\n      Taken as 1 only. One process")
  );
}

TEST(HelpTest, SaysWhatThereIsWhenAskedForNothingKnown) {
  try {
    (void)printed({"--help=warp"});
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "--help");
    EXPECT_THAT(error.what(), AllOf(HasSubstr("'warp'"), HasSubstr("CacheConfig")));
  }
}

TEST(HelpTest, HelpIsAWordWhereAValueStands) {
  CommandLine command_line("generate", "Completes prompts.");
  std::vector<std::string> prompts;
  command_line.add_texts("prompt", prompts, "Text.");
  EXPECT_TRUE(test::parse_words(command_line, {"--prompt=--help"}));
  EXPECT_THAT(prompts, ::testing::ElementsAre("--help"));
}

TEST(HelpTest, LinesAreAsWideAsTheTerminal) {
  EXPECT_EQ(wrap("a bb ccc", 2, 6), "  a bb\n  ccc\n");
  OptionSet set("test", "A test.");
  set.add({.name = "x_y", .type = "INT", .default_text = "3", .group = "G", .help = "One two."});
  EXPECT_EQ(
      format_help(set, "G", {.width = 16}),
      "G:\n  --x-y INT\n      One two.\n      (default:\n      3)\n"
  );
  EXPECT_THAT(format_help(set, "x", {.has_colour = true}), HasSubstr("\x1b[1m--x-y\x1b[0m INT"));
}

}  // namespace
}  // namespace quire::cli
