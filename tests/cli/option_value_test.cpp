#include "cli/option_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;

template <class T>
T parsed(const Words& words) {
  T value{};
  parse_value("--x", words, value);
  return value;
}

TEST(OptionValueTest, ReadsEachType) {
  EXPECT_EQ(parsed<std::string>({"a b"}), "a b");
  EXPECT_EQ(parsed<int>({"-3"}), -3);
  EXPECT_EQ(parsed<int64_t>({"5000000000"}), 5000000000);
  EXPECT_EQ(parsed<double>({"1e-3"}), 1e-3);
  EXPECT_TRUE(parsed<bool>({"true"}));
  EXPECT_THAT(parsed<std::vector<std::string>>({"a", "b"}), ElementsAre("a", "b"));
  EXPECT_THAT(parsed<std::vector<int32_t>>({"1", "2"}), ElementsAre(1, 2));
}

TEST(OptionValueTest, IdsMayBeSeparatedByCommas) {
  EXPECT_THAT(parsed<std::vector<int32_t>>({"5,6", "7"}), ElementsAre(5, 6, 7));
  for (const char* word : {"5,", ",5", "5,,6", "5;6"}) {
    EXPECT_THROW(parsed<std::vector<int32_t>>({word}), InvalidArgument) << word;
  }
}

TEST(OptionValueTest, TextIsUtf8) {
  EXPECT_NO_THROW(check_utf8("--x", "caf\u00e9"));
  EXPECT_THROW(check_utf8("--x", "caf\xe9 au lait"), InvalidArgument);
}

TEST(OptionValueTest, TheLastOfSeveralValuesCounts) {
  EXPECT_EQ(parsed<int>({"1", "2"}), 2);
}

TEST(OptionValueTest, WholeNumbersMayHaveUnits) {
  EXPECT_EQ(parsed<int>({"4k"}), 4000);
  EXPECT_EQ(parsed<int>({"1Ki"}), 1024);
  EXPECT_EQ(parsed<int64_t>({"2Gi"}), int64_t{2} << 30);
  EXPECT_EQ(parsed<int64_t>({"1M"}), 1000000);
}

TEST(OptionValueTest, ThousandsMayHaveFractionsThatAreWhole) {
  EXPECT_EQ(parsed<int>({"25.6k"}), 25600);
  EXPECT_EQ(parsed<int64_t>({"1.005G"}), 1005000000);
  EXPECT_EQ(parsed<int>({"0.5M"}), 500000);
  for (const char* word : {"1.5", "1.5Ki", "1.k", "1.2345k", "-1.5k", "1.5kk", "9.5e3"}) {
    EXPECT_THROW(parsed<int>({word}), InvalidArgument) << word;
  }
  EXPECT_THROW(parsed<int64_t>({"9223372036854775807.5k"}), InvalidArgument);
  EXPECT_THROW(parsed<int>({"2.2G"}), InvalidArgument) << "more than an int holds";
}

TEST(OptionValueTest, NoneTakesAnOptionalBack) {
  std::optional<int> value = 5;
  parse_value("--x", {"none"}, value);
  EXPECT_EQ(value, std::nullopt);
  parse_value("--x", {"7"}, value);
  EXPECT_EQ(value, 7);
}

TEST(OptionValueTest, RefusesWhatIsNoSuchValue) {
  EXPECT_THROW(parsed<int>({""}), InvalidArgument);
  EXPECT_THROW(parsed<int>({"3x"}), InvalidArgument);
  EXPECT_THROW(parsed<int>({"1.5"}), InvalidArgument);
  EXPECT_THROW(parsed<int>({"3000000000"}), InvalidArgument) << "more than an int holds";
  EXPECT_THROW(parsed<int>({"4G"}), InvalidArgument);
  EXPECT_THROW(parsed<int64_t>({"99999999999999999999"}), InvalidArgument);
  EXPECT_THROW(parsed<int64_t>({"9223372036854775807k"}), InvalidArgument);
  EXPECT_THROW(parsed<double>({"1.5s"}), InvalidArgument);
  EXPECT_THROW(parsed<bool>({"maybe"}), InvalidArgument);
  EXPECT_THROW(parsed<std::vector<int32_t>>({"1", "b"}), InvalidArgument);
}

TEST(OptionValueTest, TheErrorNamesTheOptionAndTheValue) {
  try {
    parsed<int>({"many"});
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "--x");
    EXPECT_STREQ(error.what(), "'many' is not a whole number.");
  }
}

}  // namespace
}  // namespace quire::cli
