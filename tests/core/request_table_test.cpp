#include "core/request_table.h"

#include <array>

#include <gtest/gtest.h>

namespace quire {
namespace {

std::unique_ptr<Request> make_request(RequestId id) {
  auto request = std::make_unique<Request>();
  request->id = id;
  return request;
}

TEST(RequestTableTest, AFreedIndexIsGivenToTheNextRequest) {
  RequestTable table;
  const int first = table.add(make_request(7)).request_idx;
  table.add(make_request(8));
  table.finish(*table.find(7));
  EXPECT_NE(table.find(7), nullptr) << "lives on until it is dropped";
  table.drop_finished();
  EXPECT_EQ(table.find(7), nullptr);
  EXPECT_EQ(table.add(make_request(9)).request_idx, first);
  EXPECT_EQ(table.num_indices(), 2u);
  EXPECT_EQ(table.size(), 2u);
  table.check_integrity();
}

TEST(RequestTableTest, AnIndexThatWentToAnotherRequestFindsNothing) {
  RequestTable table;
  const int request_idx = table.add(make_request(1)).request_idx;
  const ScheduledRequest scheduled{.request_id = 1, .request_idx = request_idx};
  EXPECT_EQ(table.find(scheduled), table.find(1));
  table.finish(*table.find(1));
  table.drop_finished();
  EXPECT_EQ(table.find(scheduled), nullptr);
  table.add(make_request(2));
  EXPECT_EQ(table.find(scheduled), nullptr);
}

TEST(RequestTableTest, TheSameIdTwiceFinishesOnce) {
  RequestTable table;
  table.add(make_request(1));
  int num_finished = 0;
  const std::array<RequestId, 3> ids = {1, 1, 5};
  const auto alive = table.finish_requests(ids, [&](Request& request) {
    ++num_finished;
    request.status = RequestStatus::kFinishedAborted;
    table.finish(request);
  });
  EXPECT_EQ(num_finished, 1);
  EXPECT_EQ(alive, std::vector<RequestId>{1});
}

TEST(RequestTableTest, ARefusedRequestIsToldOfOnceAndCanBeAborted) {
  RequestTable table;
  const auto told = make_request(1);
  const auto aborted = make_request(2);
  table.refuse(*told, RequestStatus::kFinishedError, "too long");
  table.refuse(*aborted, RequestStatus::kFinishedError, "too long");
  const std::array<RequestId, 1> ids = {2};
  EXPECT_EQ(table.finish_requests(ids, [](Request&) { FAIL(); }), std::vector<RequestId>{2});
  ASSERT_TRUE(table.has_refused());
  EngineCoreOutputs outputs;
  table.tell_refused(outputs);
  EXPECT_FALSE(table.has_refused());
  ASSERT_EQ(outputs.outputs.size(), 1u);
  EXPECT_EQ(outputs.outputs[0].request_id, 1);
  EXPECT_EQ(outputs.outputs[0].error, "too long");
}

}  // namespace
}  // namespace quire
