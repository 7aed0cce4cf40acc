#include "bench/arrival_trace.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/test_paths.h"

namespace quire::bench {
namespace {

using ::testing::HasSubstr;

const std::string kHeading = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

void expect_refused(const std::string& csv, const std::string& message) {
  try {
    (void)parse_arrival_trace(csv);
    ADD_FAILURE() << "accepted: " << csv;
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "trace");
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

TEST(ArrivalTraceTest, TimesCountFromTheFirstRequest) {
  const auto requests = parse_arrival_trace(
      kHeading + "2023-11-16 23:59:59.5000000,374,44\r\n2023-11-17 00:00:01.2500000,396,109\n"
  );
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_DOUBLE_EQ(requests[0].arrival, 0.0);
  EXPECT_EQ(requests[0].num_context_tokens, 374);
  EXPECT_EQ(requests[0].num_generated_tokens, 44);
  EXPECT_NEAR(requests[1].arrival, 1.75, 1e-6);
}

TEST(ArrivalTraceTest, OneFactorMakesTheLongestRequestFit) {
  const std::vector<TracedRequest> requests = {{0.0, 100, 100}, {1.0, 3000, 1096}};
  EXPECT_DOUBLE_EQ(length_scale(requests, 2048), 0.5);
  EXPECT_DOUBLE_EQ(length_scale(requests, 100000), 1.0) << "lengths are never stretched";
}

TEST(ArrivalTraceTest, WhatIsNoTraceIsRefusedWithItsLine) {
  expect_refused("time,in,out\n", "line 1");
  expect_refused(kHeading + "2023-11-16 18:15:46,1,2\n2023-11-16 18:15:47,1\n", "line 3");
  expect_refused(kHeading + "2023-11-31 18:15:46,1,2\n", "line 2");
  expect_refused(kHeading + "2023-11-16 18:15:99,1,2\n", "line 2");
  expect_refused(kHeading + "2023-11-16 18:15:nan,1,2\n", "line 2");
  expect_refused(kHeading + "2023-11-16 18:15:46,0,2\n", "line 2");
  expect_refused(kHeading + "2023-11-16 18:15:46,1,99999999999\n", "line 2");
  expect_refused(
      kHeading + "2023-11-16 18:15:46,1,2\n2023-11-16 18:15:45,1,2\n",
      "earlier than the line before"
  );
}

TEST(ArrivalTraceTest, TheExcerptOfAzuresTraceIsBursty) {
  std::ifstream file(test::test_data_dir() / "traces/azure_conversation.csv");
  std::ostringstream text;
  text << file.rdbuf();
  const auto requests = parse_arrival_trace(text.str());
  ASSERT_EQ(requests.size(), 200u);
  double longest_gap = 0.0;
  int num_close = 0;
  for (size_t i = 1; i < requests.size(); ++i) {
    const double gap = requests[i].arrival - requests[i - 1].arrival;
    longest_gap = std::max(longest_gap, gap);
    num_close += gap < 0.1;
  }
  EXPECT_GT(longest_gap, 2.0);
  EXPECT_GT(num_close, 40);
}

}  // namespace
}  // namespace quire::bench
