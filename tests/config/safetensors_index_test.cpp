#include "config/safetensors_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(SafetensorsIndex, NamesEachFileOnce) {
  const auto index = parse_safetensors_index(
      R"({"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}})",
      "test"
  );
  EXPECT_THAT(index, SizeIs(3));
  EXPECT_EQ(index[1].tensor, "b");
  EXPECT_THAT(shard_files(index), ElementsAre("1.safetensors", "2.safetensors"));
}

TEST(SafetensorsIndex, RefusesWhatIsNoneOrLeavesItsFolder) {
  for (const char* json :
       {"",
        "{",
        "[]",
        "{}",
        R"({"weight_map": []})",
        R"({"weight_map": {}})",
        R"({"weight_map": {"a": 1}})",
        R"({"weight_map": {"a": ""}})",
        R"({"weight_map": {"a": "../b.safetensors"}})",
        R"({"weight_map": {"a": "sub/b.safetensors"}})",
        R"({"weight_map": {"a": "/b"}})",
        R"({"weight_map": {"a": "b", "a": "b"}})"}) {
    try {
      parse_safetensors_index(json, "the index");
      ADD_FAILURE() << "accepted: " << json;
    } catch (const InvalidArgument& error) {
      EXPECT_THAT(error.what(), HasSubstr("the index"));
    }
  }
}

TEST(SafetensorsIndex, AMissingFileIsNamed) {
  EXPECT_THROW(read_safetensors_index("/no/such/index.json"), EnvironmentError);
}

}  // namespace
}  // namespace quire
