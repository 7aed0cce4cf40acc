#include "base/single_line.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(SingleLineTest, KeepsTextThatMayBeShown) {
  for (const char* text : {"", "plain \\n \"quoted\"", "Grüße, 世界 🙂", "\u00a0"})
    EXPECT_EQ(single_line(text), text);
}

TEST(SingleLineTest, EscapesWhatEndsALine) {
  EXPECT_EQ(single_line("a\nb\r\nc\td"), "a\\nb\\r\\nc\\td");
  EXPECT_EQ(single_line("a\v\f"), "a\\x0b\\x0c");
  EXPECT_EQ(single_line("\u0085"), "\\xc2\\x85");
  EXPECT_EQ(single_line("a\u2028b\u2029"), "a\\xe2\\x80\\xa8b\\xe2\\x80\\xa9");
}

TEST(SingleLineTest, EscapesWhatCommandsATerminal) {
  EXPECT_EQ(single_line("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(single_line(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(single_line("\u009b2J"), "\\xc2\\x9b2J");
}

TEST(SingleLineTest, EscapesBytesThatAreNoUtf8) {
  EXPECT_EQ(
      single_line("a\x9b"
                  "b\xff"),
      "a\\x9bb\\xff"
  );
  EXPECT_EQ(single_line("cut \xe4\xb8"), "cut \\xe4\\xb8");
}

}  // namespace
}  // namespace quire
