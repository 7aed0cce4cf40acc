// quire bench engine-overhead and compare-engines, with few and small requests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "e2e/quire_program.h"
#include "support/json_reader.h"
#include "support/temp_dir.h"

namespace quire {
namespace {

using test::expect_error;
using test::model;
using test::ProcessResult;
using test::quire_program;
using ::testing::HasSubstr;
using Element = simdjson::dom::element;

// The median of one engine ("baseline" or "candidate").
double median_of(Element workload, const std::string& metric, const char* engine) {
  for (const Element entry : simdjson::dom::array(workload["metrics"])) {
    if (test::read_json<std::string>(entry["name"]) == metric)
      return test::read_json<double>(entry[engine]["median"]);
  }
  ADD_FAILURE() << "no metric " << metric;
  return 0.0;
}

class CompareEnginesTest : public ::testing::Test {
 protected:
  ProcessResult compare(std::vector<std::string> options) {
    const std::vector<std::string> command = {
        "bench",
        "compare-engines",
        "--model",
        model(),
        "--num-passes=1",
        "--min-seconds=0",
        "--output-json",
        json_.string(),
        "--report",
        report_.string()};
    options.insert(options.begin(), command.begin(), command.end());
    return quire_program(std::move(options));
  }

  test::TempDir dir_;
  std::filesystem::path json_ = dir_.path() / "result.json";
  std::filesystem::path report_ = dir_.path() / "report.md";
};

TEST(EngineOverheadTest, MeasuresStepsOfOneTo1024Requests) {
  const test::TempDir dir;
  const std::string path = (dir.path() / "result.json").string();
  const ProcessResult result = quire_program(
      {"bench",
       "engine-overhead",
       "--model",
       model(),
       "--num-steps=16",
       "--num-rounds=1",
       "--output-json",
       path}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const test::JsonFile file(path);
  std::vector<int> numbers;
  for (const Element entry : simdjson::dom::array(file.root()["results"])) {
    numbers.push_back(test::read_json<int>(entry["num_requests"]));
    EXPECT_GT(test::read_json<double>(entry["us_per_step"]), 0.0);
    EXPECT_GT(test::read_json<double>(entry["schedule_us"]), 0.0);
    EXPECT_GT(test::read_json<double>(entry["output_us"]), 0.0);
  }
  EXPECT_THAT(numbers, ::testing::ElementsAre(1, 8, 64, 256, 1024));
}

TEST(EngineOverheadTest, RefusesAModelAndUnevenSteps) {
  expect_error(
      quire_program({"bench", "engine-overhead", "--model", model(), "--load-format", "dummy"}),
      "load_format",
      "null"
  );
  expect_error(
      quire_program({"bench", "engine-overhead", "--model", model(), "--num-steps", "20"}),
      "--num-steps",
      "16"
  );
}

TEST(EngineOverheadTest, RefusesWhatItWouldMeasureWrongly) {
  expect_error(
      quire_program({"bench", "engine-overhead", "--model", model(), "--async-scheduling"}),
      "async_scheduling",
      "Leave it out"
  );
  expect_error(
      quire_program(
          {"bench", "engine-overhead", "--model", model(), "--num-gpu-blocks-override", "130"}
      ),
      "num_gpu_blocks_override",
      "--max-num-seqs"
  );
}

TEST_F(CompareEnginesTest, V1ReusesTheSharedPrefixAndBothGiveTheSameTokens) {
  const ProcessResult result = compare({"--workload", "shared-prefix", "--scale", "0.07"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Greedy outputs: equal"));
  const test::JsonFile file(json_);
  const Element workload = file.root()["workloads"].at(0);
  EXPECT_EQ(test::read_json<std::string>(workload["baseline"]), "V0");
  EXPECT_EQ(test::read_json<std::string>(workload["candidate"]), "V1");
  EXPECT_TRUE(test::read_json<bool>(workload["greedy_outputs_equal"]));
  EXPECT_EQ(test::read_json<int>(workload["num_requests"]), 4);
  EXPECT_EQ(median_of(workload, "prefix cache hit rate", "baseline"), 0.0);
  EXPECT_GT(median_of(workload, "prefix cache hit rate", "candidate"), 50.0);
  EXPECT_LT(
      median_of(workload, "peak KV blocks", "candidate"),
      median_of(workload, "peak KV blocks", "baseline")
  );
  EXPECT_GT(median_of(workload, "output tokens/s", "candidate"), 0.0);
}

TEST_F(CompareEnginesTest, WritesAReportWithPlots) {
  const ProcessResult result =
      compare({"--workload", "mixed", "--scale", "0.25", "--load-format", "null"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::string report = read_file(report_);
  EXPECT_THAT(report, HasSubstr("# V0 and V1 compared"));
  EXPECT_THAT(report, HasSubstr("## mixed"));
  for (const char* plot : {"throughput", "mixed-latency", "mixed-baseline", "mixed-candidate"}) {
    const std::string name = std::string("images/report-") + plot + ".svg";
    EXPECT_THAT(report, HasSubstr(name));
    EXPECT_THAT(read_file(dir_.path() / name), HasSubstr("</svg>"));
  }
}

TEST_F(CompareEnginesTest, RepeatsTheTrace) {
  const ProcessResult result = compare(
      {"--workload",
       "bursty",
       "--scale",
       "0.05",
       "--load-format",
       "null",
       "--trace",
       (test::test_data_dir() / "traces/azure_conversation.csv").string()}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("The first 10 requests of Azure's conversation trace"));
}

TEST_F(CompareEnginesTest, TheNullEngineComparesToo) {
  const ProcessResult result = compare(
      {"--workload", "chat", "--workload", "no-hits", "--scale", "0.5", "--load-format", "null"}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const test::JsonFile file(json_);
  EXPECT_EQ(simdjson::dom::array(file.root()["workloads"]).size(), 2u);
  EXPECT_EQ(median_of(file.root()["workloads"].at(1), "prefix cache hit rate", "candidate"), 0.0);
}

TEST_F(CompareEnginesTest, RefusesWhatItCannotMeasure) {
  expect_error(compare({"--workload", "sonnet"}), "--workload", "shared-prefix");
  expect_error(compare({"--workload", "all", "--workload", "sonnet"}), "--workload", "'sonnet'");
  expect_error(compare({"--scheduler", "v0"}), "scheduler", "leave it out");
  expect_error(compare({"--num-passes", "0"}), "--num-passes", "at least 1");
  expect_error(compare({"--min-seconds=-1"}), "--min-seconds", "[0, 86400]");
  expect_error(compare({"--scale", "0"}), "--scale", "(0, 1000]");
  expect_error(compare({"--workload", "bursty", "--trace", "/no/such.csv"}), "", "/no/such.csv");
}

TEST_F(CompareEnginesTest, TellsMistakesBeforeTheWork) {
  const std::vector<std::string> command = {
      "bench", "compare-engines", "--model", "/no/such/model", "--report"};
  auto no_folder = command;
  no_folder.push_back("/no/such/dir/report.md");
  expect_error(quire_program(no_folder), "--report", "/no/such/dir/report.md");
  dir_.write("images", "a file where the plots' folder goes");
  auto no_plots = command;
  no_plots.push_back(report_.string());
  expect_error(quire_program(no_plots), "--report", "images/report-throughput.svg");
  EXPECT_FALSE(std::filesystem::exists(report_));
  std::filesystem::remove(dir_.path() / "images");
  const ProcessResult late = compare({"--workload", "no-hits", "--workload", "sonnet"});
  expect_error(late, "--workload", "sonnet");
  EXPECT_EQ(late.out, "");
}

}  // namespace
}  // namespace quire
