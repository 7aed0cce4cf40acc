// quire run-batch: batch files as OpenAI's clients write them, through the server's endpoints.
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "e2e/quire_program.h"
#include "support/json_reader.h"

namespace quire {
namespace {

using test::expect_error;
using test::lines_of;
using test::model;
using test::ProcessResult;
using test::quire_program;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RunBatchTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (dir_.path() / name).string(); }

  ProcessResult run(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {
        "run-batch",
        "-i",
        path("in.jsonl"),
        "-o",
        path("out.jsonl"),
        "--model",
        model(),
        "--load-format=null",
        "--served-model-name=small"};
    words.insert(words.end(), more.begin(), more.end());
    return quire_program(words);
  }

  std::vector<std::string> output() const { return lines_of(read_file(path("out.jsonl"))); }

  test::TempDir dir_;
};

std::string completion(const std::string& id, const std::string& body) {
  return fmt::format(
             R"({{"custom_id":"{}","method":"POST","url":"/v1/completions","body":{}}})", id, body
         ) +
         "\n";
}

std::string chat(const std::string& id, const std::string& body) {
  return fmt::format(
             R"({{"custom_id":"{}","method":"POST","url":"/v1/chat/completions","body":{}}})",
             id,
             body
         ) +
         "\n";
}

TEST_F(RunBatchTest, AnswersBothEndpointsAndRecordsWhatIsRefused) {
  std::string input;
  for (int i = 0; i < 20; ++i) {
    input += completion(
        fmt::format("c{}", i),
        fmt::format(R"({{"model":"small","prompt":"number {}","max_tokens":{}}})", i, i + 1)
    );
  }
  input +=
      chat("t", R"({"model":"small","messages":[{"role":"user","content":"x"}],"max_tokens":3})");
  input += completion("unknown", R"({"model":"gpt-4","prompt":"x"})");
  input += completion("wrong", R"({"model":"small","prompt":"x","max_tokens":-1})");
  input += completion("stream", R"({"model":"small","prompt":"x","stream":true})");
  dir_.write("in.jsonl", input + "nonsense\n");
  const ProcessResult result = run();
  expect_error(result, "--input-file", "Lines that are no requests: 1.");
  EXPECT_THAT(result.err, HasSubstr("25 requests, 0 answered by an earlier run, 4 failed."));
  std::map<std::string, std::string> answers;
  for (const std::string& line : output()) {
    simdjson::dom::parser parser;
    const simdjson::dom::element record = parser.parse(line);
    if (record["custom_id"].is_null()) {
      EXPECT_EQ(test::read_json<int>(record["error"]["line"]), 25);
      continue;
    }
    answers.emplace(test::read_json<std::string>(record["custom_id"]), line);
  }
  EXPECT_THAT(answers, SizeIs(24));
  for (int i = 0; i < 20; ++i) {
    simdjson::dom::parser parser;
    const simdjson::dom::element record = parser.parse(answers[fmt::format("c{}", i)]);
    EXPECT_EQ(test::read_json<int>(record["response"]["status_code"]), 200);
    const simdjson::dom::element body = record["response"]["body"];
    EXPECT_EQ(test::read_json<int>(body["usage"]["completion_tokens"]), i + 1) << "its own answer";
  }
  EXPECT_THAT(answers["t"], HasSubstr(R"("object":"chat.completion")"));
  EXPECT_THAT(answers["unknown"], HasSubstr(R"("status_code": 404)"));
  EXPECT_THAT(answers["wrong"], HasSubstr(R"("status_code": 400)"));
  EXPECT_THAT(answers["wrong"], HasSubstr("max_tokens"));
  EXPECT_THAT(answers["stream"], HasSubstr(R"("status_code": 400)"));
}

TEST_F(RunBatchTest, FailsForLinesThatAreNoRequestsAndNotForRequestsThatAreRefused) {
  const std::string refused =
      completion("a", R"({"model":"gpt-4","prompt":"x"})") +
      R"({"custom_id":"b","method":"POST","url":"/v1/embeddings","body":{}})" + "\n";
  dir_.write("in.jsonl", refused);
  const ProcessResult result = run();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 requests, 0 answered by an earlier run, 2 failed."));
  dir_.write("in.jsonl", refused + "nonsense\n");
  expect_error(run(), "--input-file", "Lines that are no requests: 1.");
  expect_error(run(), "--input-file", "Lines that are no requests: 1.");
  EXPECT_THAT(output(), SizeIs(3)) << "the third run has nothing left to ask";
}

TEST_F(RunBatchTest, AnInterruptedRunGoesOn) {
  std::string input;
  for (int i = 0; i < 10; ++i) {
    input += completion(fmt::format("c{}", i), R"({"model":"small","prompt":"x","max_tokens":2})");
  }
  dir_.write("in.jsonl", input);
  EXPECT_EQ(run().exit_code, 0);
  std::vector<std::string> lines = output();
  ASSERT_THAT(lines, SizeIs(10));
  // As a kill in the middle of the fifth line leaves it.
  std::string kept;
  for (int i = 0; i < 4; ++i)
    kept += lines[i] + "\n";
  dir_.write("out.jsonl", kept + lines[4].substr(0, 30));
  const ProcessResult again = run();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("10 requests, 4 answered by an earlier run, 0 failed."));
  EXPECT_THAT(output(), SizeIs(10));
  EXPECT_EQ(read_file(path("out.jsonl")).substr(0, kept.size()), kept);
}

TEST_F(RunBatchTest, RefusesWhatItCannotDo) {
  dir_.write("in.jsonl", completion("a", R"({"prompt":"x"})"));
  expect_error(run({"--port", "80"}), "port", "quire serve");
  expect_error(run({"--enable-log-requests"}), "enable_log_requests", "quire serve");
  expect_error(run({"--log-format", "json"}), "log_format", "quire serve");
  expect_error(
      quire_program({"run-batch", "-o", "x", "--model", model()}), "--input-file", "required"
  );
  expect_error(
      quire_program({"run-batch", "-i", "https://a/b.jsonl", "-o", path("o"), "--model", model()}),
      "--input-file",
      "curl"
  );
  expect_error(
      quire_program({"run-batch", "-i", path("none"), "-o", path("o"), "--model", model()}),
      "",
      "--input-file"
  );
}

}  // namespace
}  // namespace quire
