#include "server/request_log.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/captured_log.h"

namespace quire::server {
namespace {

using ::testing::HasSubstr;

constexpr const char* kForgery = "hi\nERROR 01-01 00:00:00 [a.cpp:1] The engine is dead.\r\x1b[2K";

size_t count_lines(const std::string& text) {
  return static_cast<size_t>(std::ranges::count(text, '\n'));
}

TEST(RequestLogTest, ARequestIsOneLineWhateverItsBodySays) {
  const test::CapturedLog log;
  const HttpRequest request{.method = "POST", .path = "/v1/completions", .body = kForgery};
  log_request({}, request);
  EXPECT_EQ(count_lines(log.text()), 1u) << log.text();
  EXPECT_THAT(log.text(), HasSubstr(R"(POST /v1/completions hi\nERROR 01-01)"));
  EXPECT_THAT(log.text(), HasSubstr(R"(dead.\r\x1b[2K)"));
}

TEST(RequestLogTest, AnAnswerIsOneLineWhateverTheModelSays) {
  const test::CapturedLog log;
  const ServerConfig config;
  OutputLog outputs(config, "id");
  RequestOutput output;
  output.outputs.push_back({.text = kForgery, .finish_reason = FinishReason::kStop});
  outputs.add(0, output);
  EXPECT_EQ(count_lines(log.text()), 1u) << log.text();
  EXPECT_THAT(log.text(), HasSubstr(R"(finish_reason stop): hi\nERROR 01-01)"));
}

TEST(RequestLogTest, CutsLongTexts) {
  const test::CapturedLog log;
  log_request({.max_log_len = 3}, {.method = "POST", .path = "/x", .body = "世界 and more"});
  EXPECT_THAT(log.text(), ::testing::EndsWith("POST /x 世界 \n"));
}

}  // namespace
}  // namespace quire::server
