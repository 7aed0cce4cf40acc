#include "apps/batch_run.h"

#include <atomic>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "quire/error.h"
#include "support/temp_dir.h"

namespace quire::cli {
namespace {

using ::testing::HasSubstr;

std::string line(const std::string& id) {
  return fmt::format(
      R"({{"custom_id":"{}","method":"POST","url":"/v1/completions","body":{{}}}})", id
  );
}

std::optional<client::BatchResponse> echo(const client::BatchRequest& request) {
  client::BatchResponse response;
  response.custom_id = request.custom_id;
  response.body = R"({"of":")" + request.custom_id + "\"}";
  return response;
}

class BatchRunTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (dir_.path() / name).string(); }
  void write_input(const std::string& text) { dir_.write("in.jsonl", text); }

  std::vector<std::string> output() const {
    std::vector<std::string> lines;
    std::istringstream stream(read_file(path("out.jsonl")));
    for (std::string text; std::getline(stream, text);)
      lines.push_back(text);
    return lines;
  }

  test::TempDir dir_;
};

TEST_F(BatchRunTest, ReadsNoDeviceAndSaysThatItIsFull) {
  write_input(line("a") + "\n");
  EXPECT_EQ(read_batch_progress("/dev/full").num_lines, 0);
  BatchRun run(path("in.jsonl"), "/dev/full", false);
  try {
    run.run(2, echo, false);
    FAIL() << "wrote to a full device";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Cannot write /dev/full: No space left on device."));
  }
}

TEST_F(BatchRunTest, AnswersEveryLineOnce) {
  std::string input;
  for (int i = 0; i < 200; ++i)
    input += line(std::to_string(i)) + "\n";
  write_input(input);
  BatchRun run(path("in.jsonl"), path("out.jsonl"), false);
  run.run(8, echo, false);
  std::set<std::string> ids;
  for (const std::string& text : output()) {
    const auto record = client::parse_batch_record(text);
    ASSERT_TRUE(record);
    EXPECT_THAT(text, HasSubstr("{\"of\":\"" + *record->custom_id + "\"}")) << "its own answer";
    EXPECT_TRUE(ids.insert(*record->custom_id).second);
  }
  EXPECT_EQ(ids.size(), 200U);
  EXPECT_EQ(run.num_failed(), 0);
}

TEST_F(BatchRunTest, AnExceptionOfAnAnswerEndsTheRun) {
  std::string input;
  for (int i = 0; i < 50; ++i)
    input += line(std::to_string(i)) + "\n";
  write_input(input);
  BatchRun run(path("in.jsonl"), path("out.jsonl"), false);
  const auto fail = [](const client::BatchRequest&) -> std::optional<client::BatchResponse> {
    throw InvalidArgument("prompt", "no answer");
  };
  EXPECT_THROW(run.run(4, fail, false), InvalidArgument);
  EXPECT_TRUE(run.was_stopped());
}

TEST_F(BatchRunTest, ABadLineIsARecordAndTheRunGoesOn) {
  write_input(line("a") + "\nnonsense\n\n" + line("a") + "\n" + line("b"));
  BatchRun run(path("in.jsonl"), path("out.jsonl"), false);
  run.run(2, echo, false);
  EXPECT_EQ(run.num_requests(), 4);
  EXPECT_EQ(run.num_failed(), 2);
  EXPECT_EQ(run.num_bad_lines(), 1) << "a custom_id that comes twice is refused";
  const std::vector<std::string> lines = output();
  ASSERT_EQ(lines.size(), 4U);
  const std::string all = read_file(path("out.jsonl"));
  EXPECT_THAT(all, HasSubstr(R"("code": "invalid_json_line")"));
  EXPECT_THAT(all, HasSubstr(R"("code": "duplicate_custom_id")"));
  EXPECT_THAT(all, HasSubstr(R"("line": 4)"));
  EXPECT_THAT(all, HasSubstr(R"({"of":"b"})"));
}

TEST_F(BatchRunTest, GoesOnWhereItStopped) {
  std::string input = "nonsense\n";
  for (int i = 0; i < 50; ++i)
    input += line(std::to_string(i)) + "\n";
  write_input(input);
  std::atomic<int> num_left = 20;
  BatchRun first(path("in.jsonl"), path("out.jsonl"), false);
  first.run(
      4,
      [&](const client::BatchRequest& request) {
        return num_left-- > 0 ? echo(request) : std::nullopt;
      },
      false
  );
  EXPECT_TRUE(first.was_stopped());
  const size_t num_written = output().size();
  EXPECT_LE(num_written, 21U);
  // Killed in the middle of a line.
  std::ofstream(path("out.jsonl"), std::ios::app) << R"({"id":"batch_req_9","cust)";

  std::atomic<int> num_asked = 0;
  BatchRun second(path("in.jsonl"), path("out.jsonl"), false);
  EXPECT_EQ(second.num_answered_before(), static_cast<int64_t>(num_written));
  second.run(
      4,
      [&](const client::BatchRequest& request) {
        ++num_asked;
        return echo(request);
      },
      false
  );
  EXPECT_EQ(num_asked, 51 - static_cast<int>(num_written)) << "nothing is asked twice";
  std::set<std::string> ids;
  for (const std::string& text : output()) {
    const auto record = client::parse_batch_record(text);
    ASSERT_TRUE(record) << text;
    ids.insert(record->custom_id.value_or("none"));
  }
  EXPECT_EQ(output().size(), 51U);
  EXPECT_EQ(ids.size(), 51U);
}

TEST_F(BatchRunTest, AnotherBatchsAnswersAreNotMixedIn) {
  write_input(line("a"));
  BatchRun(path("in.jsonl"), path("out.jsonl"), false).run(1, echo, false);
  write_input(line("b"));
  EXPECT_THROW(BatchRun(path("in.jsonl"), path("out.jsonl"), false), InvalidArgument);
  BatchRun again(path("in.jsonl"), path("out.jsonl"), true);
  again.run(1, echo, false);
  ASSERT_EQ(output().size(), 1U);
  EXPECT_THAT(output()[0], HasSubstr(R"("custom_id": "b")"));
}

TEST_F(BatchRunTest, RefusesFilesThatCannotBeRight) {
  write_input(line("a"));
  EXPECT_THROW(BatchRun(path("none"), path("out.jsonl"), false), EnvironmentError);
  EXPECT_THROW(BatchRun(path("in.jsonl"), path("in.jsonl"), true), InvalidArgument);
  dir_.write("out.jsonl", "my diary\n");
  EXPECT_THROW(BatchRun(path("in.jsonl"), path("out.jsonl"), false), InvalidArgument);
  EXPECT_EQ(read_file(path("out.jsonl")), "my diary\n") << "it is left alone";
}

}  // namespace
}  // namespace quire::cli
