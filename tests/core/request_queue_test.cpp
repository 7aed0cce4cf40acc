#include "core/request_queue.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RequestQueueTest : public ::testing::Test {
 protected:
  // Requests 0, 1, …, one per (priority, arrival time).
  void make(const std::vector<std::pair<int, double>>& specs) {
    for (const auto& [priority, arrival_time] : specs) {
      requests_.push_back(create_request({
          .id = requests_.size(),
          .priority = priority,
          .arrival_time = arrival_time,
      }));
    }
  }
  std::vector<RequestId> pop_all(RequestQueue& queue) {
    std::vector<RequestId> ids;
    while (!queue.empty()) {
      ids.push_back(queue.front().id);
      queue.pop_front();
    }
    return ids;
  }

  std::vector<std::unique_ptr<Request>> requests_;
};

TEST_F(RequestQueueTest, FcfsServesInOrderAndPreemptedOnesFirst) {
  make({{9, 3}, {0, 2}, {5, 1}, {1, 0}});
  RequestQueue queue(SchedulingPolicy::kFcfs);
  for (RequestId id : {0, 1, 2})
    queue.push(*requests_[id]);
  queue.push_front(*requests_[3]);
  EXPECT_EQ(queue.size(), 4u);
  EXPECT_THAT(ids_of(queue.in_order()), ElementsAre(3, 0, 1, 2));
  EXPECT_THAT(pop_all(queue), ElementsAre(3, 0, 1, 2));
}

TEST_F(RequestQueueTest, PriorityServesLowValuesThenEarlyArrivalsThenLowIds) {
  make({{2, 1}, {1, 3}, {1, 2}, {0, 4}, {1, 2}});
  RequestQueue queue(SchedulingPolicy::kPriority);
  for (const auto& request : requests_)
    queue.push(*request);
  EXPECT_THAT(ids_of(queue.in_order()), ElementsAre(3, 2, 4, 1, 0));
  EXPECT_THAT(pop_all(queue), ElementsAre(3, 2, 4, 1, 0));
}

TEST_F(RequestQueueTest, APreemptedRequestKeepsItsPlaceByPriority) {
  make({{1, 0}, {5, 0}});
  RequestQueue queue(SchedulingPolicy::kPriority);
  queue.push(*requests_[0]);
  queue.push_front(*requests_[1]);
  EXPECT_THAT(pop_all(queue), ElementsAre(0, 1));
}

class RequestQueueRemovalTest : public RequestQueueTest,
                                public ::testing::WithParamInterface<SchedulingPolicy> {};
INSTANTIATE_TEST_SUITE_P(
    Policies,
    RequestQueueRemovalTest,
    ::testing::Values(SchedulingPolicy::kFcfs, SchedulingPolicy::kPriority)
);

TEST_P(RequestQueueRemovalTest, AnyRequestCanBeRemoved) {
  make({{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}});
  RequestQueue queue(GetParam());
  for (const auto& request : requests_)
    queue.push(*request);
  queue.remove(*requests_[2]);
  queue.remove(*requests_[0]);
  queue.remove(*requests_[4]);
  EXPECT_THAT(ids_of(queue.in_order()), ElementsAre(1, 3));
  queue.push(*requests_[2]);
  EXPECT_EQ(queue.size(), 3u);
}

TEST_P(RequestQueueRemovalTest, RandomRemovalsKeepTheOrderOfTheRest) {
  std::mt19937 random(1);
  make(std::vector<std::pair<int, double>>(200, {0, 0.0}));
  RequestQueue queue(GetParam());
  std::vector<RequestId> expected;
  for (const auto& request : requests_) {
    queue.push(*request);
    expected.push_back(request->id);
  }
  for (int i = 0; i < 150; ++i) {
    const auto at = expected.begin() + static_cast<std::ptrdiff_t>(random() % expected.size());
    queue.remove(*requests_[*at]);
    expected.erase(at);
  }
  EXPECT_EQ(pop_all(queue), expected);
}

TEST_P(RequestQueueRemovalTest, TheEmptyQueueHasNoFront) {
  RequestQueue queue(GetParam());
  EXPECT_THAT(queue.in_order(), IsEmpty());
  EXPECT_THROW(queue.front(), InternalError);
}

}  // namespace
}  // namespace quire::test
