#include "engine/stats_logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatsLoggerTest, TellsTheSpeedSinceTheLastLine) {
  StatsLogger logger(100.0);
  EngineStats stats;
  stats.num_running_reqs = 3;
  stats.num_waiting_reqs = 2;
  stats.kv_cache_usage = 0.25;
  stats.recent_prefix_cache_hit_rate = 0.5;
  EXPECT_EQ(
      logger.next_line(110.0, {300, 100}, stats),
      "Engine 000: Avg prompt throughput: 30.0 tokens/s, Avg generation throughput: 10.0 "
      "tokens/s, Running: 3 reqs, Waiting: 2 reqs, GPU KV cache usage: 25.0%, Prefix cache hit "
      "rate: 50.0%"
  );
  EXPECT_THAT(
      *logger.next_line(115.0, {300, 200}, stats),
      HasSubstr("Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: 20.0 tokens/s")
  );
}

TEST(StatsLoggerTest, FallsSilentAfterOneLineOfRest) {
  StatsLogger logger(0.0);
  EXPECT_FALSE(logger.next_line(10.0, {}, {}));
  EXPECT_TRUE(logger.next_line(20.0, {5, 5}, {}));
  EXPECT_THAT(*logger.next_line(30.0, {5, 5}, {}), HasSubstr("generation throughput: 0.0"));
  EXPECT_FALSE(logger.next_line(40.0, {5, 5}, {}));
}

TEST(StatsLoggerTest, TellsWhatIsOutOfTheOrdinary) {
  StatsLogger logger(0.0);
  EngineStats stats;
  stats.num_waiting_reqs = 5;
  stats.num_skipped_waiting_reqs = 2;
  stats.num_preemptions = 7;
  EXPECT_THAT(
      *logger.next_line(10.0, {1, 1}, stats),
      HasSubstr("Waiting: 3 reqs, Deferred: 2 reqs, Preemptions: 7, GPU KV")
  );
  EXPECT_THAT(*logger.next_line(20.0, {2, 2}, stats), Not(HasSubstr("Preemptions"))) << "old ones";
}

TEST(StatsLoggerTest, V0TellsWhatIsSwapped) {
  StatsLogger logger(0.0);
  EngineStats stats{.num_running_reqs = 3, .num_waiting_reqs = 2, .kv_cache_usage = 0.25};
  stats.uses_v0 = true;
  stats.num_swapped_reqs = 4;
  stats.cpu_cache_usage = 0.5;
  const std::string line =
      "Avg prompt throughput: 1.0 tokens/s, Avg generation throughput: 2.0 tokens/s, "
      "Running: 3 reqs, Swapped: 4 reqs, Pending: 2 reqs, GPU KV cache usage: 25.0%, "
      "CPU KV cache usage: 50.0%.";
  EXPECT_EQ(logger.next_line(10.0, {10, 20}, stats), line);
  stats.prefix_cache_queries = 200;
  stats.prefix_cache_hits = 50;
  EXPECT_EQ(
      logger.next_line(20.0, {20, 40}, stats),
      line + " Prefix cache hit rate: GPU: 25.00%, CPU: 0.00%"
  );
}

}  // namespace
}  // namespace quire
