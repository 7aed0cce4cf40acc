#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "quire/request_json.h"

namespace quire {
namespace {

std::string to_json(const RequestOutput& output) {
  std::string json;
  append_request_output_json(json, output);
  return json;
}

RequestOutput make_output() {
  RequestOutput output;
  output.request_id = "r1";
  output.prompt = "Hi";
  output.prompt_token_ids = {1, 2};
  output.num_cached_tokens = 1;
  output.finished = true;
  output.metrics = {
      .arrival_time = 10.5,
      .first_scheduled_time = 10.75,
      .first_token_time = 11.0,
      .finished_time = 12.0,
      .num_preemptions = 3};
  output.outputs.push_back(
      {.index = 0,
       .text = "a\n\"b\"",
       .token_ids = {7, 8},
       .finish_reason = FinishReason::kStop,
       .stop_reason = "b"}
  );
  return output;
}

TEST(RequestOutputJson, HasTheShapeThatToolsRead) {
  EXPECT_EQ(
      to_json(make_output()),
      R"({"request_id": "r1", "prompt": "Hi", "prompt_token_ids": [1, 2], )"
      R"("prompt_logprobs": null, "outputs": [{"index": 0, "text": "a\n\"b\"", )"
      R"("token_ids": [7, 8], "cumulative_logprob": null, "logprobs": null, )"
      R"("finish_reason": "stop", "stop_reason": "b"}], "finished": true, )"
      R"("num_cached_tokens": 1, "metrics": {"arrival_time": 10.5, )"
      R"("first_scheduled_time": 10.75, "first_token_time": 11, "finished_time": 12, )"
      R"("num_preemptions": 3}})"
  );
}

TEST(RequestOutputJson, KeysLogprobsByTokenId) {
  RequestOutput output = make_output();
  CompletionOutput& completion = output.outputs[0];
  completion.cumulative_logprob = -1.5;
  completion.logprobs = {
      {{7, {.logprob = -0.5f, .rank = 1, .decoded_token = "x"}},
       {9, {.logprob = -2.0f, .rank = std::nullopt, .decoded_token = "\xff"}}},
      {{8, {.logprob = -1.0f, .rank = 2, .decoded_token = ""}}}};
  simdjson::dom::parser parser;
  const auto root = parser.parse(to_json(output)).value();
  const auto entry = root["outputs"].at(0);
  EXPECT_EQ(double(entry["cumulative_logprob"]), -1.5);
  EXPECT_EQ(simdjson::dom::array(entry["logprobs"]).size(), 2u);
  EXPECT_EQ(double(entry["logprobs"].at(0)["7"]["logprob"]), -0.5);
  EXPECT_EQ(int64_t(entry["logprobs"].at(0)["7"]["rank"]), 1);
  EXPECT_TRUE(entry["logprobs"].at(0)["9"]["rank"].is_null());
  EXPECT_EQ(std::string_view(entry["logprobs"].at(0)["9"]["decoded_token"]), "\xEF\xBF\xBD");
  EXPECT_EQ(int64_t(entry["logprobs"].at(1)["8"]["rank"]), 2);
}

TEST(RequestOutputJson, WritesMinusInfinityAsANumber) {
  RequestOutput output = make_output();
  const float banned = -std::numeric_limits<float>::infinity();
  output.outputs[0].logprobs = {{{7, {.logprob = banned, .rank = 5, .decoded_token = "x"}}}};
  EXPECT_NE(to_json(output).find(R"({"7": {"logprob": -9999, "rank": 5)"), std::string::npos);
}

TEST(RequestOutputJson, BeginsPromptLogprobsWithNull) {
  RequestOutput output = make_output();
  output.prompt_logprobs = {{}, {{2, {.logprob = -3.0f, .rank = 4, .decoded_token = "i"}}}};
  EXPECT_NE(to_json(output).find(R"("prompt_logprobs": [null, {"2": {)"), std::string::npos);
}

TEST(RequestOutputJson, WritesUnfinishedAndFailedRequests) {
  RequestOutput output = make_output();
  output.prompt.reset();
  output.finished = false;
  output.metrics.finished_time.reset();
  output.outputs[0].finish_reason.reset();
  output.outputs[0].stop_reason = std::monostate();
  std::string json = to_json(output);
  EXPECT_NE(json.find(R"("prompt": null)"), std::string::npos);
  EXPECT_NE(json.find(R"("finish_reason": null, "stop_reason": null)"), std::string::npos);
  EXPECT_NE(json.find(R"("finished_time": null)"), std::string::npos);
  EXPECT_EQ(json.find("\"error\""), std::string::npos);

  output.error = "the engine died";
  output.outputs[0].stop_reason = 42;
  json = to_json(output);
  EXPECT_NE(json.find(R"("error": "the engine died")"), std::string::npos);
  EXPECT_NE(json.find(R"("stop_reason": 42)"), std::string::npos);
}

TEST(RequestOutputJson, StaysOnOneLine) {
  RequestOutput output = make_output();
  output.outputs[0].text = "a\nb\r\n\x01";
  EXPECT_EQ(to_json(output).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace quire
