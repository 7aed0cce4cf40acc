#include "support/scheduler_simulator.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::test {
namespace {

using ::testing::HasSubstr;

TEST(SchedulerSimulatorTest, TheSameSeedGivesTheSameScheduleToTheByte) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const SimulationResult first = simulate({.seed = seed});
    const SimulationResult second = simulate({.seed = seed});
    ASSERT_GT(first.num_steps, 0);
    EXPECT_EQ(first.schedule, second.schedule) << "seed " << seed;
  }
  EXPECT_NE(simulate({.seed = 1}).schedule, simulate({.seed = 2}).schedule);
}

TEST(SchedulerSimulatorTest, ManySeedsMeetEveryRule) {
  SimulationResult sum;
  int num_async_runs = 0;
  int num_priority_runs = 0;
  for (uint64_t seed = 100; seed < 1100; ++seed) {
    const SimulationResult result = simulate({.seed = seed});
    sum.num_finished += result.num_finished;
    sum.num_stopped += result.num_stopped;
    sum.num_continued += result.num_continued;
    sum.num_overlapped_steps += result.num_overlapped_steps;
    sum.num_hit_tokens += result.num_hit_tokens;
    sum.num_preemptions += result.num_preemptions;
    num_async_runs += result.options.async_scheduling;
    num_priority_runs += result.options.policy == SchedulingPolicy::kPriority;
  }
  EXPECT_GT(sum.num_finished, 10000);
  EXPECT_GT(sum.num_stopped, 1000);
  EXPECT_GT(sum.num_continued, 1000);
  EXPECT_GT(sum.num_overlapped_steps, 10000);
  EXPECT_GT(sum.num_hit_tokens, 10000);
  EXPECT_GT(sum.num_preemptions, 1000);
  EXPECT_GT(num_async_runs, 300);
  EXPECT_GT(num_priority_runs, 300);
}

// A rule that some run breaks in the end.
void expect_few_preemptions(const SchedulerOutput& output) {
  if (output.preempted_request_ids.size() >= 2) throw std::runtime_error("two at once");
}

std::string failure_of(const Simulation& simulation) {
  try {
    simulate(simulation);
  } catch (const InternalError& error) {
    return error.what();
  }
  return "";
}

TEST(SchedulerSimulatorTest, AFailureNamesTheSeedThatReplaysIt) {
  Simulation simulation{.seed = 0, .check = expect_few_preemptions};
  std::string failure;
  while (failure.empty()) {
    ASSERT_LT(++simulation.seed, 1000u);
    failure = failure_of(simulation);
  }
  EXPECT_THAT(failure, HasSubstr("seed " + std::to_string(simulation.seed)));
  EXPECT_THAT(failure, HasSubstr("two at once"));
  EXPECT_EQ(failure_of(simulation), failure);
}

}  // namespace
}  // namespace quire::test
