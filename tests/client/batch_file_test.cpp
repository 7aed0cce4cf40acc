#include "client/batch_file.h"

#include <gtest/gtest.h>

namespace quire::client {
namespace {

const std::string kGood =
    R"({"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x"}})";

BatchError error_of(const std::string& line) {
  const auto parsed = parse_batch_line(line);
  const auto* error = std::get_if<BatchError>(&parsed);
  EXPECT_NE(error, nullptr) << line;
  return error ? *error : BatchError{};
}

TEST(BatchFileTest, ReadsARequest) {
  const auto parsed = parse_batch_line(kGood);
  const auto* request = std::get_if<BatchRequest>(&parsed);
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->custom_id, "a");
  EXPECT_EQ(request->url, "/v1/completions");
  EXPECT_EQ(request->body, R"({"prompt":"x"})");
}

TEST(BatchFileTest, SaysWhatIsWrongWithALine) {
  EXPECT_EQ(error_of("{").code, "invalid_json_line");
  EXPECT_EQ(error_of("[1]").code, "invalid_json_line");
  EXPECT_EQ(error_of("{}").param, "custom_id");
  EXPECT_EQ(error_of(R"({"custom_id": 5})").code, "invalid_type");
  EXPECT_EQ(error_of(R"({"custom_id": "a"})").param, "method");
  EXPECT_EQ(error_of(R"({"custom_id": "a", "method": "GET"})").code, "invalid_method");
  const std::string begin = R"({"custom_id": "a", "method": "POST", )";
  EXPECT_EQ(error_of(begin + R"("url": "/v1/embeddings", "body": {}})").code, "invalid_url");
  EXPECT_EQ(error_of(begin + R"("url": "/v1/completions"})").param, "body");
  const BatchError error = error_of(begin + R"("url": "/v1/completions", "body": "x"})");
  EXPECT_EQ(error.code, "invalid_type");
  EXPECT_EQ(error.custom_id, "a");
}

TEST(BatchFileTest, WhatIsWrittenIsReadAgain) {
  const BatchResponse response{"batch_req_1", "a \"b\"", 404, "r1", R"({"error":{}})"};
  const std::string line = to_json(response);
  EXPECT_EQ(
      line,
      R"({"id": "batch_req_1", "custom_id": "a \"b\"", "response": {"status_code": 404, )"
      R"("request_id": "r1", "body": {"error":{}}}, "error": null})"
  );
  const auto record = parse_batch_record(line);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->custom_id, "a \"b\"");
  EXPECT_EQ(record->status_code, 404);
  EXPECT_FALSE(record->error_line);
}

TEST(BatchFileTest, AnErrorNamesItsLine) {
  const std::string line = to_json(error_of("nonsense"), "batch_req_7", 7);
  EXPECT_EQ(
      line,
      R"({"id": "batch_req_7", "custom_id": null, "response": null, )"
      R"("error": {"code": "invalid_json_line", )"
      R"("message": "This line is no JSON object.", "param": null, "line": 7}})"
  );
  const auto record = parse_batch_record(line);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->error_line, 7);
  EXPECT_FALSE(record->custom_id);
}

TEST(BatchFileTest, WhatIsNoRecordIsTold) {
  for (const char* line : {"", "{", "{}", R"({"custom_id":"a"})", kGood.c_str()})
    EXPECT_FALSE(parse_batch_record(line)) << line;
}

}  // namespace
}  // namespace quire::client
