// Statistics of injected drafts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using Tokens = std::vector<int32_t>;

struct DraftCase {
  std::vector<Tokens> drafts;  // of request 0, 1, …
  std::vector<Tokens> sampled;
  SpecDecodingStats expected;
};
class DraftStatsTest : public ::testing::TestWithParam<DraftCase> {};
INSTANTIATE_TEST_SUITE_P(
    Cases,
    DraftStatsTest,
    ::testing::Values(
        DraftCase{{{1, 2, 3}}, {{1, 2, 3, 4}}, {1, 3, 3, {1, 1, 1}}},
        DraftCase{{{1, 2, 3}}, {{1, 5}}, {1, 3, 1, {1, 0, 0}}},
        DraftCase{{{1, 2}, {3}}, {{1, 2, 5}, {3, 4}}, {2, 3, 3, {2, 1}}},
        DraftCase{{{1}}, {{1, 2}}, {1, 1, 1, {1}}},
        DraftCase{{{}}, {{5}}, {}},
        DraftCase{{{1, 2, 3}, {4, 5, 6}}, {{1, 2, 7}, {4, 8}}, {2, 6, 3, {2, 1, 0}}},
        DraftCase{{{1, 2, 3}}, {{}}, {}}  // the step brought nothing
    )
);

TEST_P(DraftStatsTest, DraftsAndAcceptedTokensAreCounted) {
  Scheduler scheduler = create_scheduler();
  const int num_requests = static_cast<int>(GetParam().drafts.size());
  add_requests(scheduler, num_requests);
  const SchedulerOutput prefill = scheduler.schedule();
  update(scheduler, prefill, make_runner_output(scheduler, prefill, 0));
  std::map<RequestId, Tokens> sampled;
  for (int id = 0; id < num_requests; ++id) {
    scheduler.set_draft_tokens(id, GetParam().drafts[id]);
    sampled[id] = GetParam().sampled[id];
  }
  const SchedulerOutput output = scheduler.schedule();
  for (const ScheduledRequest& request : output.requests) {
    const int num_drafts = static_cast<int>(GetParam().drafts[request.request_id].size());
    EXPECT_EQ(request.num_scheduled_tokens, 1 + num_drafts);
    EXPECT_EQ(request.num_draft_tokens, num_drafts);
  }
  update(scheduler, output, make_runner_output(output, sampled));
  EXPECT_EQ(scheduler.stats().spec_decoding, GetParam().expected);
  EXPECT_EQ(scheduler.stats().spec_decoding, SpecDecodingStats()) << "they are told once";
  scheduler.check_integrity();
}

TEST(SpecDecodingStatsTest, LongerDraftsExtendTheCountsPerPosition) {
  SpecDecodingStats stats;
  stats.observe_draft(1, 1);
  stats.observe_draft(3, 2);
  stats.observe_draft(2, 0);
  EXPECT_EQ(stats.num_drafts, 3);
  EXPECT_EQ(stats.num_draft_tokens, 6);
  EXPECT_EQ(stats.num_accepted_tokens, 3);
  EXPECT_THAT(stats.num_accepted_tokens_per_pos, ElementsAre(2, 1, 0));
}

TEST(DraftTest, DraftsForATokenThatIsUnderWayAreIgnored) {
  Scheduler scheduler = create_scheduler();
  add_requests(scheduler, 1);
  const SchedulerOutput prefill = scheduler.schedule();
  scheduler.set_draft_tokens(0, Tokens{1, 2});
  EXPECT_EQ(scheduler.schedule().num_reqs(), 0);
  update(scheduler, prefill, make_runner_output(prefill, {{0, {5}}}));
  EXPECT_EQ(num_scheduled_tokens(scheduler.schedule()).at(0), 1);
}

}  // namespace
}  // namespace quire::test
