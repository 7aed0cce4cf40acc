#include "hub/model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(ModelFiles, NamesStayWithinTheirFolder) {
  for (const char* name : {"config.json", "sub/folder/a.json", "..a", "a..", "refs/pr/1"}) {
    EXPECT_TRUE(is_safe_file_name(name)) << name;
  }
  for (const char* name :
       {"", "/etc/passwd", "..", "../a", "a/../b", "a/..", "./a", "a/", "a\\b", "a\nb"}) {
    EXPECT_FALSE(is_safe_file_name(name)) << name;
  }
}

TEST(ModelFiles, OnlyWhatQuireReadsIsTakenFromARepository) {
  const std::vector<std::string> names = {
      ".gitattributes",
      "README.md",
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "onnx/model.onnx",
      "original/tokenizer.json",
      "pytorch_model.bin",
      "tokenizer.json",
      "tokenizer_config.json",
  };
  EXPECT_THAT(
      text_files(names, false),
      UnorderedElementsAre(
          "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"
      )
  );
  EXPECT_THAT(
      text_files(names, true),
      UnorderedElementsAre("config.json", "tokenizer.json", "tokenizer_config.json")
  );
}

TEST(ModelFiles, OneFileOfWeightsIsPreferredToShardsAndShardsToTheRest) {
  const std::vector<std::string> shards = {"model-1.safetensors", "model-2.safetensors"};
  EXPECT_THAT(
      weight_files({"model.safetensors", "consolidated.safetensors"}, shards),
      ElementsAre("model.safetensors")
  );
  EXPECT_EQ(weight_files({"consolidated.safetensors", "model-1.safetensors"}, shards), shards);
  EXPECT_THAT(
      weight_files({"b.safetensors", "a.safetensors", "sub/c.safetensors", "d.bin"}, {}),
      ElementsAre("a.safetensors", "b.safetensors")
  );
  EXPECT_THAT(weight_files({"pytorch_model.bin"}, {}), IsEmpty());
}

}  // namespace
}  // namespace quire
