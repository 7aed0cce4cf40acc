#include "base/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(Utf8, LengthsOfValidCharacters) {
  EXPECT_EQ(utf8_sequence_length("a"), 1);
  EXPECT_EQ(utf8_sequence_length("é"), 2);
  EXPECT_EQ(utf8_sequence_length("漢x"), 3);
  EXPECT_EQ(utf8_sequence_length("🙂"), 4);
}

TEST(Utf8, WhatTheStandardForbidsHasNoLength) {
  const std::string forbidden[] = {
      "",
      "\x80",  // starts with a continuation
      "\xC0\x80",  // overlong NUL
      "\xC1\xBF",  // overlong
      "\xE0\x9F\xBF",  // overlong
      "\xED\xA0\x80",  // surrogate
      "\xF0\x8F\xBF\xBF",  // overlong
      "\xF4\x90\x80\x80",  // beyond U+10FFFF
      "\xF5\x80\x80\x80",
      "\xE6\xBC",  // cut off
      "\xE6\xBC\x41",  // continued by a letter
  };
  for (const std::string& text : forbidden)
    EXPECT_EQ(utf8_sequence_length(text), 0) << text;
}

TEST(Utf8, TheEndsOfTheAllowedRangesAreValid) {
  for (const char* text :
       {"\xC2\x80",
        "\xE0\xA0\x80",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(find_invalid_utf8(text), std::nullopt) << text;
  }
}

TEST(Utf8, TheFirstInvalidByteIsFound) {
  EXPECT_EQ(find_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("plain é 🙂"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("é\xFF"), 2U);
  EXPECT_EQ(find_invalid_utf8("ab\xE6\xBC"), 2U);
}

}  // namespace
}  // namespace quire
