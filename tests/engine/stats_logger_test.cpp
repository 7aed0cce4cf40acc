#include "engine/stats_logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire {
namespace {

using ::testing::HasSubstr;

TEST(StatsLoggerTest, TellsTheSpeedSinceTheLastLine) {
  StatsLogger logger(true, 100.0, 10.0);
  EngineStats stats;
  stats.num_running_reqs = 3;
  stats.num_waiting_reqs = 2;
  stats.kv_cache_usage = 0.25;
  stats.prefix_cache_queries = 200;
  stats.prefix_cache_hits = 50;
  logger.add({.num_prompt_tokens = 300, .num_output_tokens = 50});
  logger.add({.num_output_tokens = 50});
  EXPECT_FALSE(logger.line_if_due(109.0, stats));
  EXPECT_EQ(
      logger.line_if_due(110.0, stats),
      "Avg prompt throughput: 30.0 tokens/s, Avg generation throughput: 10.0 tokens/s, "
      "Running: 3 reqs, Waiting: 2 reqs, KV cache usage: 25.0%, Prefix cache hit rate: 25.0%"
  );
  EXPECT_FALSE(logger.line_if_due(119.0, stats));
  EXPECT_THAT(*logger.line_if_due(120.0, stats), HasSubstr("generation throughput: 0.0"));
}

TEST(StatsLoggerTest, V0TellsWhatIsSwapped) {
  StatsLogger logger(true, 0.0, 10.0);
  EngineStats stats{.num_running_reqs = 3, .num_waiting_reqs = 2, .kv_cache_usage = 0.25};
  stats.uses_v0 = true;
  stats.num_swapped_reqs = 4;
  stats.cpu_cache_usage = 0.5;
  const std::string load =
      "Running: 3 reqs, Swapped: 4 reqs, Pending: 2 reqs, GPU KV cache usage: 25.0%, "
      "CPU KV cache usage: 50.0%.";
  const std::string speed =
      "Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: 0.0 tokens/s, ";
  EXPECT_EQ(logger.line_if_due(10.0, stats), speed + load);
  stats.prefix_cache_queries = 200;
  stats.prefix_cache_hits = 50;
  EXPECT_EQ(
      logger.line_if_due(20.0, stats),
      speed + load + " Prefix cache hit rate: GPU: 25.00%, CPU: 0.00%"
  );
}

TEST(StatsLoggerTest, IsSilentWhenDisabled) {
  StatsLogger logger(false, 0.0, 10.0);
  EXPECT_FALSE(logger.line_if_due(1000.0, {}));
}

}  // namespace
}  // namespace quire
