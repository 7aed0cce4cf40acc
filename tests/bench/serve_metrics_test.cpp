#include "bench/serve/serve_metrics.h"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/serve/serve_report.h"
#include "support/json_reader.h"

namespace quire::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kStart = 100.0;

// A request that starts `start` seconds into the run and makes a token every `gap` seconds.
CallRecord record(double start, double ttft, int num_tokens, double gap) {
  CallRecord record;
  record.is_ok = true;
  record.num_prompt_tokens = 10;
  record.num_output_tokens = num_tokens;
  record.num_events = num_tokens + 2;
  record.start = kStart + start;
  record.first_token = record.start + ttft;
  record.itls.assign(static_cast<size_t>(num_tokens - 1), gap);
  record.last_token = record.first_token + gap * (num_tokens - 1);
  return record;
}

LoadResult three_requests() {
  LoadResult result;
  result.start = kStart;
  result.duration = 4.0;
  result.records = {
      record(0.0, 0.1, 11, 0.02), record(0.5, 0.3, 1, 0.0), record(2.02, 0.2, 21, 0.05)};
  result.records.emplace_back();  // one that failed
  result.records.back().error = "broken";
  result.num_events = 13 + 3 + 23 + 1;
  return result;
}

TEST(ServeMetricsTest, FollowsTheDefinitionsOfVllm) {
  ServeOptions options;
  options.metric_percentiles = {50, 99};
  const ServeMetrics metrics = measure(three_requests(), options);
  EXPECT_EQ(metrics.completed, 3);
  EXPECT_EQ(metrics.failed, 1);
  EXPECT_EQ(metrics.total_input, 30);
  EXPECT_EQ(metrics.total_output, 33);
  EXPECT_DOUBLE_EQ(metrics.request_throughput, 0.75);
  EXPECT_DOUBLE_EQ(metrics.output_throughput, 33 / 4.0);
  EXPECT_DOUBLE_EQ(metrics.total_token_throughput, 63 / 4.0);
  EXPECT_DOUBLE_EQ(metrics.events_per_second, 10.0);
  EXPECT_FALSE(metrics.request_goodput);
  const LatencySummary& ttft = metrics.latencies.at("ttft");
  EXPECT_NEAR(ttft.mean, 200.0, 1e-6);
  EXPECT_NEAR(ttft.median, 200.0, 1e-6);
  EXPECT_NEAR(ttft.std, 100.0 * std::sqrt(2.0 / 3.0), 1e-6);
  EXPECT_NEAR(ttft.percentiles[1], 298.0, 1e-6);
  // Time per output token leaves out the first token, and requests that have no other.
  EXPECT_NEAR(metrics.latencies.at("tpot").mean, (20.0 + 50.0) / 2, 1e-6);
  EXPECT_NEAR(metrics.latencies.at("itl").mean, (10 * 20.0 + 20 * 50.0) / 30, 1e-6);
  EXPECT_NEAR(metrics.latencies.at("e2el").percentiles[0], 300.0, 1e-6);
}

TEST(ServeMetricsTest, FindsTheBestSecond) {
  const ServeMetrics metrics = measure(three_requests(), {});
  // The third request's tokens come from 2.22 to 3.22 s: 16 before 3 s.
  EXPECT_DOUBLE_EQ(metrics.max_output_tokens_per_s, 16.0);
  EXPECT_EQ(metrics.max_concurrent_requests, 2) << "the first two share their second";
}

TEST(ServeMetricsTest, GoodputNeedsEveryLimit) {
  ServeOptions options;
  options.goodput = {{"ttft", 250.0}, {"tpot", 60.0}};
  EXPECT_DOUBLE_EQ(*measure(three_requests(), options).request_goodput, 0.5);
  options.goodput.push_back({"e2el", 1000.0});
  EXPECT_DOUBLE_EQ(*measure(three_requests(), options).request_goodput, 0.25);
  options.goodput = {{"ttft", 1.0}};
  EXPECT_DOUBLE_EQ(*measure(three_requests(), options).request_goodput, 0.0);
}

TEST(ServeMetricsTest, NothingThatWorkedIsAllZeros) {
  LoadResult result;
  result.start = kStart;
  result.duration = 1.0;
  result.records.resize(2);
  const ServeMetrics metrics = measure(result, {});
  EXPECT_EQ(metrics.failed, 2);
  EXPECT_DOUBLE_EQ(metrics.output_throughput, 0.0);
  EXPECT_DOUBLE_EQ(metrics.latencies.at("itl").percentiles[0], 0.0);
  EXPECT_EQ(metrics.max_concurrent_requests, 0);
}

struct Report {
  explicit Report(ServeOptions wishes) : options(std::move(wishes)) {
    target.model_id = "org/small";
    target.tokenizer_id = "tok";
    plan.calls.resize(result.records.size());
    plan.rate_changes = {{1, 0.0}, {2, 0.5}};
  }
  ServeReport get() const { return {options, target, plan, result, metrics}; }

  ServeOptions options;
  ServeTarget target;
  CallPlan plan;
  LoadResult result = three_requests();
  ServeMetrics metrics = measure(result, options);
};

TEST(ServeReportTest, PrintsTheTableOfVllm) {
  ServeOptions options;
  options.max_concurrency = 8;
  options.goodput = {{"ttft", 250.0}};
  options.metric_percentiles = {99, 99.9};
  const std::string table = to_table(Report(options).get());
  EXPECT_THAT(table, HasSubstr("============ Serving Benchmark Result ============\n"));
  EXPECT_THAT(table, HasSubstr("Successful requests:                     3         \n"));
  EXPECT_THAT(table, HasSubstr("Maximum request concurrency:             8         \n"));
  EXPECT_THAT(table, HasSubstr("Request goodput (req/s):                 0.50      \n"));
  EXPECT_THAT(table, HasSubstr("---------------Time to First Token----------------\n"));
  EXPECT_THAT(table, HasSubstr("-----Time per Output Token (excl. 1st token)------\n"));
  EXPECT_THAT(table, HasSubstr("P99.9 TTFT (ms):"));
  EXPECT_THAT(table, Not(HasSubstr("E2EL"))) << "only what was asked for";
}

TEST(ServeReportTest, TheJsonHasTheFieldsOfVllm) {
  ServeOptions options;
  options.percentile_metrics = {"ttft", "tpot", "itl", "e2el"};
  options.metadata = {"tp=1"};
  options.save_detailed = true;
  options.ramp_up_strategy = "linear";
  options.ramp_up_end_rps = 5;
  const std::string json = to_json(Report(options).get(), "20250102-030405");
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(json);
  for (const char* name :
       {"date",
        "endpoint_type",
        "backend",
        "label",
        "model_id",
        "tokenizer_id",
        "num_prompts",
        "request_rate",
        "burstiness",
        "max_concurrency",
        "duration",
        "completed",
        "failed",
        "total_input_tokens",
        "total_output_tokens",
        "request_throughput",
        "request_goodput",
        "output_throughput",
        "total_token_throughput",
        "max_output_tokens_per_s",
        "max_concurrent_requests",
        "ramp_up_strategy",
        "ramp_up_start_rps",
        "ramp_up_end_rps",
        "rps_change_events",
        "input_lens",
        "output_lens",
        "ttfts",
        "itls",
        "start_times",
        "generated_texts",
        "errors"}) {
    EXPECT_EQ(root[name].error(), simdjson::SUCCESS) << name;
  }
  for (const char* metric : {"ttft", "tpot", "itl", "e2el"}) {
    for (const char* statistic : {"mean", "median", "std", "p99"}) {
      const std::string name = std::string(statistic) + "_" + metric + "_ms";
      EXPECT_GT(test::read_json<double>(root[name]), 0.0) << name;
    }
  }
  EXPECT_EQ(test::read_json<std::string>(root["request_rate"]), "inf");
  EXPECT_EQ(test::read_json<std::string>(root["tp"]), "1");
  EXPECT_EQ(test::read_json<std::string>(root["errors"].at(3)), "broken");
  EXPECT_EQ(simdjson::dom::array(root["itls"].at(0)).size(), 10U);
}

TEST(ServeReportTest, TheFileIsNamedAfterTheRun) {
  ServeOptions options;
  options.max_concurrency = 8;
  EXPECT_EQ(
      result_file_name(Report(options).get(), "20250102-030405"),
      "openai-infqps-concurrency8-small-20250102-030405.json"
  );
  options.max_concurrency.reset();
  options.request_rate = 2.5;
  options.label = "night";
  EXPECT_EQ(result_file_name(Report(options).get(), "d"), "night-2.5qps-small-d.json");
}

TEST(ArrivalTimesTest, AllAtOnceWithoutARate) {
  EXPECT_EQ(arrival_times({}, 3), (std::vector<double>{0.0, 0.0, 0.0}));
}

TEST(ArrivalTimesTest, TheGapsAddUpToTheRate) {
  ServeOptions options;
  options.request_rate = 50.0;
  for (const double burstiness : {0.25, 1.0, 100.0}) {
    options.burstiness = burstiness;
    const std::vector<double> times = arrival_times(options, 2000);
    EXPECT_NEAR(times.back(), 40.0, 1e-9);
    EXPECT_TRUE(std::ranges::is_sorted(times));
    // The gaps' variance is mean² / burstiness; 2,000 of them estimate it within a third.
    double sum = 0.0;
    for (size_t i = 0; i < times.size(); ++i) {
      const double gap = times[i] - (i > 0 ? times[i - 1] : 0.0);
      sum += (gap - 0.02) * (gap - 0.02);
    }
    const double expected = 0.02 * 0.02 / burstiness;
    EXPECT_NEAR(sum / 2000.0, expected, expected / 3) << burstiness;
  }
}

TEST(ArrivalTimesTest, ARampUpGetsFaster) {
  ServeOptions options;
  options.burstiness = 1e6;  // hardly any chance
  options.ramp_up_strategy = "linear";
  options.ramp_up_start_rps = 10.0;
  options.ramp_up_end_rps = 100.0;
  std::vector<double> times = arrival_times(options, 1000);
  EXPECT_NEAR(times[1] - times[0], 0.1, 0.005);
  EXPECT_NEAR(times[999] - times[998], 0.01, 0.0005);
  options.ramp_up_strategy = "exponential";
  times = arrival_times(options, 1001);
  EXPECT_NEAR(times[500] - times[499], 1.0 / std::sqrt(1000.0), 0.002);
}

}  // namespace
}  // namespace quire::bench
