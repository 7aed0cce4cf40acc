#include "bench/comparison_plots.h"

#include <algorithm>

#include <fmt/format.h>

#include "bench/percentile.h"
#include "bench/plots/chart.h"

namespace quire::bench {
namespace {

constexpr size_t kMaxBars = 400;

using Points = std::vector<std::pair<double, double>>;

Points percentile_curve(const std::vector<double>& values) {
  Points points;
  for (double p = 0.0; p < 99.0; p += 1.0)
    points.emplace_back(p, percentile(values, p));
  for (double p = 99.0; p <= 100.0; p += 0.1)
    points.emplace_back(p, percentile(values, std::min(p, 100.0)));
  return points;
}

double highest(const Points& points) {
  return std::ranges::max(points, {}, &std::pair<double, double>::second).second;
}

double lowest(const Points& points) {
  return std::ranges::min(points, {}, &std::pair<double, double>::second).second;
}

// One step, or the mean of some.
struct Bar {
  double start = 0.0;  // seconds after the pass began
  double end = 0.0;
  double num_prefill_tokens = 0.0;
  double num_decode_tokens = 0.0;
};

std::vector<Bar> merge_steps(const PassResult& pass, size_t num_merged) {
  std::vector<Bar> bars;
  for (size_t i = 0; i < pass.steps.size(); i += num_merged) {
    const size_t end = std::min(i + num_merged, pass.steps.size());
    const auto number = static_cast<double>(end - i);
    Bar& bar = bars.emplace_back();
    bar.start = pass.steps[i].start - pass.start;
    bar.end = pass.steps[end - 1].end - pass.start;
    for (size_t k = i; k < end; ++k) {
      bar.num_prefill_tokens += pass.steps[k].num_prefill_tokens / number;
      bar.num_decode_tokens += pass.steps[k].num_decode_tokens / number;
    }
  }
  return bars;
}

}  // namespace

std::string throughput_plot(const std::vector<Comparison>& comparisons) {
  double top = 1.0;
  for (const Comparison& comparison : comparisons) {
    const auto& ratio = comparison.metric("output tokens/s").ratio;
    if (ratio) top = std::max(top, ratio->median);
  }
  const auto number = static_cast<double>(comparisons.size());
  Chart chart(
      "Output tokens/s, candidate / baseline (bar), lower 95 % bound (line)",
      {.title = "workload", .min = 0.0, .max = number, .has_ticks = false},
      {.title = "ratio", .min = 0.0, .max = 1.15 * top}
  );
  for (size_t i = 0; i < comparisons.size(); ++i) {
    const auto& ratio = comparisons[i].metric("output tokens/s").ratio;
    if (!ratio) continue;
    const auto left = static_cast<double>(i) + 0.2;
    const auto right = static_cast<double>(i) + 0.8;
    chart.add_rectangle(left, right, 0.0, ratio->median, kBlue);
    chart.add_line({{left - 0.1, ratio->lower_95}, {right + 0.1, ratio->lower_95}}, kOrange);
    const double middle = (left + right) / 2;
    chart.add_label(middle, ratio->median, fmt::format("{:.2f}", ratio->median));
    chart.add_x_label(middle, comparisons[i].name);
  }
  chart.add_line({{0.0, 1.0}, {number, 1.0}}, kGrey);
  return chart.svg();
}

std::string latency_plot(const Comparison& comparison) {
  const Points baseline = percentile_curve(inter_token_latencies(comparison.baseline_pass));
  const Points candidate = percentile_curve(inter_token_latencies(comparison.candidate_pass));
  const double low = std::max(1e-3, std::min(lowest(baseline), lowest(candidate)));
  const double high = std::max(highest(baseline), highest(candidate));
  Chart chart(
      comparison.name + ": time between two tokens",
      {.title = "percentile", .min = 0.0, .max = 100.0},
      {.title = "ms", .min = low, .max = std::max(high, 1.1 * low), .is_log = true}
  );
  chart.add_line(baseline, kGrey);
  chart.add_line(candidate, kBlue);
  chart.add_legend(comparison.baseline_name, kGrey);
  chart.add_legend(comparison.candidate_name, kBlue);
  return chart.svg();
}

std::string schedule_plot(const std::string& engine, const PassResult& pass) {
  const size_t num_merged = std::max<size_t>(1, pass.steps.size() / kMaxBars);
  const std::vector<Bar> bars = merge_steps(pass, num_merged);
  double end = 1e-3;
  double most = 1.0;
  for (const Bar& bar : bars) {
    end = std::max(end, bar.end);
    most = std::max(most, bar.num_prefill_tokens + bar.num_decode_tokens);
  }
  const std::string what = num_merged == 1 ? "tokens of each step"
                                           : fmt::format("tokens a step, mean of {}", num_merged);
  Chart chart(
      engine + ": " + what,
      {.title = "seconds", .min = 0.0, .max = end},
      {.title = "tokens", .min = 0.0, .max = 1.05 * most}
  );
  for (const Bar& bar : bars) {
    const double top = bar.num_decode_tokens + bar.num_prefill_tokens;
    chart.add_rectangle(bar.start, bar.end, 0.0, bar.num_decode_tokens, kBlue);
    chart.add_rectangle(bar.start, bar.end, bar.num_decode_tokens, top, kOrange);
  }
  chart.add_legend("decode", kBlue);
  chart.add_legend("prefill", kOrange);
  return chart.svg();
}

}  // namespace quire::bench
