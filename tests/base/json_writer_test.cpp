#include "base/json_writer.h"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace quire {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonWriter, CommasStandBetweenValuesOnly) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("a", 1).key("b").begin_array().value(true).null().begin_array();
  json.end_array().end_array().key("c").begin_object().end_object().end_object();
  EXPECT_EQ(out, R"({"a": 1, "b": [true, null, []], "c": {}})");
}

TEST(JsonWriter, NumbersAreShortAndExact) {
  std::string out;
  JsonWriter json(out);
  json.begin_array().value(0.1).value(0.1F).value(1e300).value(-2.0);
  json.value(std::numeric_limits<int64_t>::min()).value(std::numeric_limits<uint64_t>::max());
  json.end_array();
  EXPECT_EQ(out, "[0.1, 0.1, 1e+300, -2, -9223372036854775808, 18446744073709551615]");
}

TEST(JsonWriter, WhatJsonCannotSayBecomesNull) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  json.value(std::numeric_limits<double>::infinity());
  json.value(std::numeric_limits<float>::quiet_NaN());
  json.end_array();
  EXPECT_EQ(out, "[null, null]");
}

TEST(JsonString, QuotesBackslashesAndControlCharactersAreEscaped) {
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\x01\x1f/"), R"("a\"b\\c\n\r\t\u0001\u001f/")");
}

TEST(JsonString, ValidUtf8StaysAsItIs) {
  EXPECT_EQ(json_string("é漢🙂"), "\"é漢🙂\"");
}

TEST(JsonString, EachInvalidByteBecomesAReplacementCharacter) {
  EXPECT_EQ(
      json_string("a\xFF\xE6\xBC"
                  "b"),
      "\"a\uFFFD\uFFFD\uFFFDb\""
  );
}

}  // namespace
}  // namespace quire
