#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "e2e/quire_program.h"
#include "support/json_reader.h"

namespace quire {
namespace {

using test::expect_error;
using test::model;
using test::ProcessResult;
using test::quire_program;
using ::testing::SizeIs;

TEST(BenchTest, ThroughputWritesItsFields) {
  const test::TempDir dir;
  const std::string path = (dir.path() / "result.json").string();
  const ProcessResult result = quire_program(
      {"bench",
       "throughput",
       "--model",
       model(),
       "--num-prompts=6",
       "--input-len=20",
       "--output-len=5",
       "--output-json",
       path}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const test::JsonFile file(path);
  EXPECT_EQ(test::read_json<int>(file.root()["num_requests"]), 6);
  EXPECT_EQ(test::read_json<int>(file.root()["total_num_tokens"]), 6 * 25);
  const double elapsed = test::read_json<double>(file.root()["elapsed_time"]);
  EXPECT_NEAR(test::read_json<double>(file.root()["requests_per_second"]), 6 / elapsed, 1e-6);
  EXPECT_NEAR(test::read_json<double>(file.root()["tokens_per_second"]), 150 / elapsed, 1e-6);
}

TEST(BenchTest, LatencyWritesItsFields) {
  const test::TempDir dir;
  const std::string path = (dir.path() / "result.json").string();
  const ProcessResult result = quire_program(
      {"bench",
       "latency",
       "--model",
       model(),
       "--batch-size=2",
       "--input-len=8",
       "--output-len=4",
       "--num-iters=3",
       "--num-iters-warmup=1",
       "--output-json",
       path}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const test::JsonFile file(path);
  const auto latencies = test::read_json_vector<double>(file.root()["latencies"]);
  ASSERT_THAT(latencies, SizeIs(3));
  EXPECT_GT(latencies[0], 0.0);
  EXPECT_NEAR(
      test::read_json<double>(file.root()["avg_latency"]),
      (latencies[0] + latencies[1] + latencies[2]) / 3,
      1e-9
  );
  for (const char* percentage : {"10", "25", "50", "75", "90", "99"}) {
    EXPECT_GT(test::read_json<double>(file.root()["percentiles"][percentage]), 0.0);
  }
}

TEST(BenchTest, AResultThatCannotBeWrittenIsToldBeforeTheWork) {
  for (const char* benchmark : {"throughput", "latency"}) {
    const ProcessResult result = quire_program(
        {"bench", benchmark, "--model", "/no/such/model", "--output-json", "/no/such/dir/r.json"}
    );
    expect_error(result, "--output-json", "/no/such/dir/r.json");
  }
}

TEST(BenchTest, ReadsConversations) {
  const test::TempDir dir;
  std::string json = "[";
  for (int i = 0; i < 4; ++i) {
    json += R"({"conversations": [{"from": "human", "value": "Please tell me a long story now"},)"
            R"({"from": "gpt", "value": "Once upon a time there was a cat"}]},)";
  }
  dir.write("data.json", json + R"({"conversations": []}])");
  const std::vector<std::string> command = {
      "bench",
      "throughput",
      "--model",
      model(),
      "--dataset-name",
      "sharegpt",
      "--dataset-path",
      (dir.path() / "data.json").string()};
  auto enough = command;
  enough.push_back("--num-prompts=4");
  EXPECT_EQ(quire_program(enough).exit_code, 0);
  expect_error(quire_program(command), "--num-prompts", "4 usable prompts");
}

TEST(BenchTest, RefusesUnknownDatasetsAndBenchmarks) {
  expect_error(
      quire_program({"bench", "throughput", "--model", model(), "--dataset-name", "sonnet"}),
      "--dataset-name",
      "random, sharegpt or custom"
  );
  expect_error(
      quire_program({"bench", "throughput", "--model", model(), "--dataset-path", "x.json"}),
      "--dataset-path",
      "--dataset-name"
  );
  expect_error(quire_program({"bench", "througput"}), "througput", "Did you mean throughput?");
}

}  // namespace
}  // namespace quire
