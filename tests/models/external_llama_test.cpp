#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/json_reader.h"
#include "support/paged_model.h"
#include "support/temp_dir.h"
#include "support/test_paths.h"

// Small trained Llamas of the external data folder against llama2.c.
namespace quire {
namespace {

using test::PagedModel;

class ExternalLlamaTest : public ::testing::TestWithParam<const char*> {
 protected:
  // The folder weights/, unpacked where it comes as an archive.
  std::filesystem::path weights(const std::filesystem::path& data) {
    if (std::filesystem::is_directory(data / "weights")) return data / "weights";
    const std::string command = fmt::format(
        "tar -xJf '{}' -C '{}'", (data / "weights.tar.xz").string(), unpacked_.path().string()
    );
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    return unpacked_.path() / "weights";
  }

 private:
  test::TempDir unpacked_;
};

TEST_P(ExternalLlamaTest, GreedyIdsAreThoseOfLlama2c) {
  const auto data = test::external_data_dir();
  if (!data) GTEST_SKIP() << "QUIRE_TEST_DATA does not name the external data folder";
  const std::filesystem::path dir = weights(*data);
  PagedModel model(dir / "hf-derived" / GetParam());
  const test::JsonFile goldens(dir / "llama2c/golden_greedy_derived.json");
  size_t num_cases = 0;
  for (const simdjson::dom::element golden : goldens.root()[GetParam()]["cases"].get_array()) {
    const auto prompt = test::read_json_vector<int32_t>(golden["prompt_ids"]);
    const auto all = test::read_json_vector<int32_t>(golden["greedy_ids"]);  // with the prompt
    const auto expected = std::vector<int32_t>(all.begin() + prompt.size(), all.end());
    ASSERT_FALSE(expected.empty());
    EXPECT_EQ(model.greedy(prompt, static_cast<int>(expected.size())), expected);
    ++num_cases;
  }
  EXPECT_GT(num_cases, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    ExternalLlamaTest,
    ::testing::Values("stories260K", "llama2xs", "aidreams260K", "zh-poem-750K")
);

}  // namespace
}  // namespace quire
