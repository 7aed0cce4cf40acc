#include "cli/suggest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<std::string> kNames = {
    "--max-tokens", "--min-tokens", "--max-num-seqs", "--dtype", "--stop"};

TEST(SuggestTest, FindsMistypedNames) {
  EXPECT_THAT(nearest_names("--dtpye", kNames), ElementsAre("--dtype")) << "a swap is one mistake";
  EXPECT_THAT(nearest_names("--max-tokns", kNames), ElementsAre("--max-tokens", "--min-tokens"));
}

TEST(SuggestTest, FindsBeginnings) {
  EXPECT_THAT(nearest_names("--max-num", kNames).front(), "--max-num-seqs");
}

TEST(SuggestTest, IsSilentAboutStrangers) {
  EXPECT_THAT(nearest_names("--tensor-parallel-size", kNames), IsEmpty());
  EXPECT_EQ(did_you_mean("--tensor-parallel-size", kNames), "");
  EXPECT_EQ(did_you_mean("--stp", kNames), " Did you mean --stop?");
}

}  // namespace
}  // namespace quire::cli
