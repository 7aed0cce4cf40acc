#include "worker/request_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

using ::testing::ElementsAre;

NewRequestData request(uint64_t id, std::vector<int32_t> token_ids) {
  const int num_prompt_tokens = static_cast<int>(token_ids.size());
  return {
      .request_id = id, .token_ids = std::move(token_ids), .num_prompt_tokens = num_prompt_tokens};
}

TEST(RequestStatesTest, ARequestKeepsItsSlotWhileOthersComeAndGo) {
  RequestStates states(3, 8);
  const int a = states.add(request(1, {10, 11}));
  const int b = states.add(request(2, {20}));
  EXPECT_NE(a, b);
  EXPECT_EQ(states.remove(1), a);
  const int c = states.add(request(3, {30, 31, 32}));
  EXPECT_EQ(states.slot_of(2), b);
  EXPECT_EQ(c, a) << "a free slot is used again";
  states.append_token(b, 21);
  EXPECT_THAT(states.token_ids(b), ElementsAre(20, 21));
  EXPECT_THAT(states.token_ids(c), ElementsAre(30, 31, 32));
  EXPECT_EQ(states.num_prompt_tokens(c), 3);
  EXPECT_EQ(states.num_live(), 2);
}

TEST(RequestStatesTest, RemovingAnIdThatNeverArrivedDoesNothing) {
  RequestStates states(1, 4);
  EXPECT_EQ(states.remove(99), -1);
  EXPECT_EQ(states.num_live(), 0);
}

TEST(RequestStatesTest, FullTablesDuplicatesAndUnknownIdsAreBugs) {
  RequestStates states(1, 2);
  const int slot = states.add(request(1, {10, 11}));
  EXPECT_THROW(states.add(request(1, {10})), InternalError);
  EXPECT_THROW(states.add(request(2, {10})), InternalError);
  EXPECT_THROW(states.append_token(slot, 12), InternalError);
  EXPECT_THROW((void)states.slot_of(2), InternalError);
}

}  // namespace
}  // namespace quire
