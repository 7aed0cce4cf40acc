#include "cli/json_option.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string merged(const std::string& object, const std::vector<JsonPart>& parts) {
  return merge_json("--x", object, parts);
}

TEST(JsonOptionTest, PartsMakeAnObject) {
  EXPECT_EQ(merged("", {{"a", "1", false}}), R"({"a":1})");
  EXPECT_EQ(
      merged("", {{"a.b", "true", false}, {"a.c", "text", false}}), R"({"a":{"b":true,"c":"text"}})"
  );
  EXPECT_EQ(merged("", {{"a", R"({"b":[1]})", false}}), R"({"a":{"b":[1]}})");
}

TEST(JsonOptionTest, PartsGoOverTheWholeObjectAndLaterOverEarlierOnes) {
  EXPECT_EQ(merged(R"({"a":1,"b":2})", {{"b", "3", false}}), R"({"a":1,"b":3})");
  EXPECT_EQ(merged("", {{"a", "1", false}, {"a", "2", false}}), R"({"a":2})");
}

TEST(JsonOptionTest, APlusAppends) {
  EXPECT_EQ(merged("", {{"a", "x", true}, {"a", "y,2", true}}), R"({"a":["x","y",2]})");
  EXPECT_EQ(merged(R"({"a":[0]})", {{"a", "1", true}}), R"({"a":[0,1]})");
}

TEST(JsonOptionTest, WhatDoesNotFitIsRefused) {
  EXPECT_THROW(merged("[1]", {}), InvalidArgument) << "no object";
  EXPECT_THROW(merged("{", {}), InvalidArgument);
  EXPECT_THROW(merged("", {{"", "1", false}}), InvalidArgument) << "no key";
  EXPECT_THROW(merged("", {{"a..b", "1", false}}), InvalidArgument);
  EXPECT_THROW(merged(R"({"a":1})", {{"a.b", "1", false}}), InvalidArgument) << "1 has no b";
  EXPECT_THROW(merged(R"({"a":1})", {{"a", "1", true}}), InvalidArgument) << "1 is no list";
  EXPECT_THROW(merged("{\"a\":\"\xff\"}", {}), InvalidArgument) << "no UTF-8";
  std::string deep(100, '[');
  EXPECT_THROW(merged("{\"a\":" + deep + std::string(100, ']') + "}", {}), InvalidArgument);
}

TEST(JsonOptionTest, ReadsListsOfTexts) {
  EXPECT_THAT(parse_text_list("--x", R"(["a", "b"])"), ElementsAre("a", "b"));
  EXPECT_THAT(parse_text_list("--x", "[]"), IsEmpty());
  EXPECT_THROW(parse_text_list("--x", "[1]"), InvalidArgument);
  EXPECT_THROW(parse_text_list("--x", "[\"a\""), InvalidArgument);
}

}  // namespace
}  // namespace quire::cli
