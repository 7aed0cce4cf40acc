// The replay of a trace against counts of tools/replay_oracle.py, which shares nothing with it.
#include "bench/block_replay.h"

#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "quire/error.h"
#include "support/json_reader.h"
#include "support/temp_dir.h"
#include "support/test_paths.h"

namespace quire::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<BlockTraceRequest> excerpt() {
  return parse_block_trace(read_file(test::test_data_dir() / "traces" / "mooncake_excerpt.jsonl"));
}

class BlockReplayTest : public ::testing::TestWithParam<PrefixCachingHashAlgo> {};
INSTANTIATE_TEST_SUITE_P(
    Algorithms,
    BlockReplayTest,
    ::testing::Values(PrefixCachingHashAlgo::kSha256, PrefixCachingHashAlgo::kXxhash)
);

TEST_P(BlockReplayTest, HitsEqualTheOraclesToTheLastBlock) {
  const std::vector<BlockTraceRequest> requests = excerpt();
  const test::JsonFile oracle(test::test_data_dir() / "traces" / "mooncake_excerpt.json");
  int num_cases = 0;
  for (const simdjson::dom::element expected : oracle.root()["results"].get_array()) {
    const int num_blocks = test::read_json<int>(expected["num_blocks"]);
    const ReplayResult result =
        replay(requests, {.num_blocks = num_blocks, .hash_algo = GetParam()});
    EXPECT_EQ(result.num_hit_blocks, test::read_json<int>(expected["num_hit_blocks"]));
    EXPECT_EQ(result.num_full_blocks, test::read_json<int>(expected["num_full_blocks"]));
    EXPECT_EQ(result.num_refused_requests, test::read_json<int>(expected["num_refused_requests"]));
    EXPECT_EQ(result.num_requests, test::read_json<int>(expected["num_requests"]));
    EXPECT_EQ(result.num_prompt_tokens, test::read_json<int>(expected["num_prompt_tokens"]));
    ++num_cases;
  }
  EXPECT_EQ(num_cases, 5);
}

TEST(BlockReplayTest, WithoutALimitThereAreBlocksForAllPrompts) {
  const std::vector<BlockTraceRequest> requests = excerpt();
  const ReplayResult result = replay(requests, {.num_blocks = 0});
  EXPECT_EQ(result.num_blocks, 11350);
  EXPECT_EQ(result.num_hit_blocks, 1525);
}

TEST(BlockReplayTest, SmallerBlocksHitTheSameTokensAndMore) {
  const std::vector<BlockTraceRequest> requests = excerpt();
  const ReplayResult large = replay(requests, {.block_size = 512});
  const ReplayResult small = replay(requests, {.block_size = 64});
  EXPECT_GE(small.num_hit_blocks, large.num_hit_blocks * 8);
}

TEST(BlockReplayTest, TheFullTraceHasThePublishedHits) {
  const auto data = test::external_data_dir();
  if (!data) GTEST_SKIP() << "QUIRE_TEST_DATA does not name the external data folder";
  test::TempDir unpacked;
  std::filesystem::path dir = *data / "traces";
  if (!std::filesystem::is_directory(dir)) {
    const std::string command = fmt::format(
        "tar -xJf '{}' -C '{}'", (*data / "traces.tar.xz").string(), unpacked.path().string()
    );
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    dir = unpacked.path() / "traces";
  }
  const auto requests = parse_block_trace(read_file(dir / "mooncake" / "conversation_trace.jsonl"));
  ASSERT_EQ(requests.size(), 12031u);
  for (const auto& [num_blocks, num_hits] :
       {std::pair(0, 105592), std::pair(50000, 102165), std::pair(10000, 60969)}) {
    const ReplayResult result =
        replay(requests, {.num_blocks = num_blocks, .hash_algo = PrefixCachingHashAlgo::kXxhash});
    EXPECT_EQ(result.num_hit_blocks, num_hits) << num_blocks << " blocks";
    EXPECT_EQ(result.num_full_blocks, 276491);
  }
}

TEST(KVWasteTest, SharesEqualTheOracles) {
  const std::vector<BlockTraceRequest> requests = excerpt();
  const test::JsonFile oracle(test::test_data_dir() / "traces" / "mooncake_excerpt.json");
  const double paged = test::read_json<double>(oracle.root()["paged_waste_16"]);
  const double contiguous = test::read_json<double>(oracle.root()["contiguous_waste"]);
  EXPECT_NEAR(paged_waste(requests, 16), paged, 1e-12);
  EXPECT_NEAR(contiguous_waste(requests), contiguous, 1e-12);
  EXPECT_LT(paged, 0.04);
  EXPECT_GT(contiguous, 0.5);
}

TEST(KVWasteTest, OnlyTheLastBlockIsEverPartlyEmpty) {
  // 3, 4 and 5 tokens in blocks of 4, in 4, 4 and 8 slots.
  const std::vector<BlockTraceRequest> requests = {{0.0, 3, 2, {0}}};
  EXPECT_DOUBLE_EQ(paged_waste(requests, 4), 4.0 / 16.0);
  EXPECT_DOUBLE_EQ(paged_waste(requests, 1), 0.0);
  EXPECT_DOUBLE_EQ(contiguous_waste(requests), 3.0 / 15.0);
}

TEST(BlockTraceTest, PromptsShareTokensWhereTheyShareIds) {
  const std::vector<BlockTraceRequest> requests = {
      {0.0, 1100, 1, {0, 70000, 2}}, {0.0, 1536, 1, {0, 70000, 2}}, {0.0, 1024, 1, {0, 70001}}};
  std::vector<std::vector<int32_t>> prompts(3);
  for (size_t i = 0; i < 3; ++i)
    make_prompt(requests[i], prompts[i]);
  ASSERT_EQ(prompts[0].size(), 1100u);
  ASSERT_EQ(prompts[1].size(), 1536u);
  EXPECT_TRUE(std::equal(prompts[0].begin(), prompts[0].end(), prompts[1].begin()));
  EXPECT_TRUE(std::equal(prompts[0].begin(), prompts[0].begin() + 512, prompts[2].begin()));
  EXPECT_FALSE(
      std::equal(prompts[0].begin() + 512, prompts[0].begin() + 1024, prompts[2].begin() + 512)
  );
  for (const int32_t id : prompts[1])
    EXPECT_GE(id, 0);
}

TEST(BlockTraceTest, LinesAreRead) {
  const auto requests = parse_block_trace(
      "{\"timestamp\": 5, \"input_length\": 513, \"output_length\": 7, \"hash_ids\": [3, 9]}\r\n\n"
      "{\"hash_ids\": [3], \"output_length\": 0, \"input_length\": 512}"
  );
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].num_input_tokens, 513);
  EXPECT_EQ(requests[0].num_output_tokens, 7);
  EXPECT_THAT(requests[0].hash_ids, ElementsAre(3, 9));
  EXPECT_THAT(requests[1].hash_ids, ElementsAre(3));
}

TEST(BlockTraceTest, BadLinesAreNamed) {
  const std::string good = R"({"input_length": 1, "output_length": 1, "hash_ids": [0]})";
  for (const auto& [line, message] : std::vector<std::pair<std::string, std::string>>{
           {"nonsense", "not a JSON object"},
           {"[]", "not a JSON object"},
           {R"({"output_length": 1, "hash_ids": [0]})", "input_length must be a number from 1"},
           {R"({"input_length": 0, "output_length": 1, "hash_ids": []})", "input_length must be"},
           {R"({"input_length": 1, "output_length": -1, "hash_ids": [0]})", "output_length must"},
           {R"({"input_length": 1, "output_length": 1})", "hash_ids must be a list"},
           {R"({"input_length": 1, "output_length": 1, "hash_ids": [-1]})", "must be numbers from"},
           {R"({"input_length": 513, "output_length": 1, "hash_ids": [0]})", "1 hash_ids for 513"},
       }) {
    try {
      (void)parse_block_trace(good + "\n" + line);
      ADD_FAILURE() << "accepted: " << line;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "trace");
      EXPECT_THAT(error.what(), HasSubstr("line 2: "));
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  }
}

}  // namespace
}  // namespace quire::bench
