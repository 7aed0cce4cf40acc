#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal(const std::string& text) {
  try {
    (void)parse_config("a.yaml", text);
    return "accepted";
  } catch (const InvalidArgument& error) {
    return error.what();
  }
}

TEST(ConfigFileTest, EntriesComeInTheirOrderWithTheirLines) {
  const auto entries = parse_config("a.yaml", "# a comment\nmodel: small\nport:  8001\n");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "model");
  EXPECT_THAT(entries[0].words, ElementsAre("small"));
  EXPECT_EQ(entries[0].line, 2);
  EXPECT_EQ(entries[1].name, "port");
  EXPECT_THAT(entries[1].words, ElementsAre("8001"));
  EXPECT_EQ(entries[1].line, 3);
}

TEST(ConfigFileTest, AValueKeepsItsSpelling) {
  const auto entries = parse_config("a.yaml", "a: 1.50\nb: 'no'\nc: on\nd: 0x10\n");
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_THAT(entries[0].words, ElementsAre("1.50"));
  EXPECT_THAT(entries[1].words, ElementsAre("no"));
  EXPECT_THAT(entries[2].words, ElementsAre("on"));
  EXPECT_THAT(entries[3].words, ElementsAre("0x10"));
}

TEST(ConfigFileTest, ListsHaveAWordForEachElement) {
  const auto entries = parse_config("a.yaml", "a: [x, y]\nb:\n  - z\n  - {k: 1}\nc: []\n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_TRUE(entries[0].is_list);
  EXPECT_THAT(entries[0].words, ElementsAre("x", "y"));
  EXPECT_THAT(entries[1].words, ElementsAre("z", R"({"k": 1})"));
  EXPECT_TRUE(entries[2].is_list);
  EXPECT_THAT(entries[2].words, ElementsAre("[]"));
}

TEST(ConfigFileTest, ObjectsAreJson) {
  const auto entries = parse_config(
      "a.yaml", "a:\n  flag: yes\n  text: 'yes'\n  n: 3\n  x: 1.5\n  none: ~\n  list: [1, b]\n"
  );
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_TRUE(entries[0].is_object);
  EXPECT_THAT(
      entries[0].words,
      ElementsAre(
          R"({"flag": true, "text": "yes", "n": 3, "x": 1.5, "none": null, "list": [1, "b"]})"
      )
  );
}

TEST(ConfigFileTest, WhatHasNoValueIsLeftOut) {
  EXPECT_THAT(parse_config("a.yaml", "a:\nb: null\n"), IsEmpty());
  EXPECT_THAT(parse_config("a.yaml", ""), IsEmpty());
  EXPECT_THAT(parse_config("a.yaml", "# nothing\n"), IsEmpty());
}

TEST(ConfigFileTest, MistakesNameTheFileAndTheLine) {
  EXPECT_THAT(refusal("a: 1\nb: [1\n"), HasSubstr("a.yaml:3: This is not YAML"));
  EXPECT_THAT(refusal("- a\n"), HasSubstr("a.yaml:1: The file must be a map"));
  EXPECT_THAT(refusal("a: 1\nb: 2\na: 3\n"), HasSubstr("a.yaml:3: a stands here a second time"));
  EXPECT_THAT(refusal("a_b: 1\na-b: 2\n"), HasSubstr("a.yaml:2: a-b stands here a second time"));
  EXPECT_THAT(refusal("[a]: 1\n"), HasSubstr("A key is a text"));
  EXPECT_THAT(refusal("a: 1\n---\nb: 2\n"), HasSubstr("more than one document"));
  EXPECT_THAT(refusal("a: \xff\n"), HasSubstr("not valid UTF-8"));
}

TEST(ConfigFileTest, ASmallFileStaysSmall) {
  EXPECT_THAT(refusal("a: &x [1]\nb: *x\n"), HasSubstr("anchor"));
  EXPECT_THAT(refusal("a: " + std::string(100, '[') + "\n"), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal(std::string((1 << 20) + 1, ' ')), HasSubstr("at most"));
}

}  // namespace
}  // namespace quire::cli
