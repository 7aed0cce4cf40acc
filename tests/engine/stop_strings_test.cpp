#include "engine/stop_strings.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(StopStringsTest, CutsBeforeTheStringOrAfterIt) {
  const std::string text = "one. two";
  const StopStrings before({"."}, false);
  const auto without = before.find(text, 0);
  ASSERT_TRUE(without);
  EXPECT_EQ(without->text_length, 3u);
  EXPECT_EQ(without->stop, ".");
  const StopStrings after({"."}, true);
  const auto with = after.find(text, 0);
  ASSERT_TRUE(with);
  EXPECT_EQ(with->text_length, 4u);
}

TEST(StopStringsTest, FindsAStringThatBeganInTheSearchedPart) {
  const StopStrings stop({"group of people"}, false);
  const std::string text = "a group of people";
  EXPECT_TRUE(stop.find(text, 10)) << "its end is new";
  EXPECT_TRUE(stop.find(text, text.size() - 1));
  EXPECT_FALSE(stop.find(text, text.size())) << "nothing is new";
}

TEST(StopStringsTest, DoesNotSearchAgainWhatWasSearched) {
  const StopStrings stop({"e"}, false);
  EXPECT_EQ(stop.find("see me", 3)->text_length, 5u);
}

TEST(StopStringsTest, TakesTheFirstOfTheListNotOfTheText) {
  const StopStrings stop({"!", "."}, false);
  const auto match = stop.find("a.b!", 0);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->stop, "!");
  EXPECT_EQ(match->text_length, 3u);
}

TEST(StopStringsTest, HoldsBackOneCharacterLessThanTheLongest) {
  const StopStrings stop({"ab", "wxyz"}, false);
  EXPECT_EQ(stop.held_back_bytes("hello"), 3u);
  EXPECT_EQ(stop.held_back_bytes("hi"), 2u) << "never more than there is";
}

TEST(StopStringsTest, HoldsBackWholeCharacters) {
  const StopStrings stop({"né!"}, false);  // three characters, four bytes
  EXPECT_EQ(stop.held_back_bytes("日本語"), 6u);
}

TEST(StopStringsTest, HoldsBackNothingWhenTheStringStaysInTheText) {
  EXPECT_EQ(StopStrings({"wxyz"}, true).held_back_bytes("hello"), 0u);
  EXPECT_EQ(StopStrings({}, false).held_back_bytes("hello"), 0u);
}

}  // namespace
}  // namespace quire
