#include "bench/serve/serve_plots.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bench/percentile.h"
#include "bench/plots/chart.h"

namespace quire::bench {
namespace {

constexpr size_t kMaxBars = 2000;
constexpr int kNumBins = 60;

std::vector<const CallRecord*> good_records(const LoadResult& result) {
  std::vector<const CallRecord*> records;
  for (const CallRecord& record : result.records) {
    if (record.is_ok) records.push_back(&record);
  }
  return records;
}

// A bar for each request: waiting for the first token, then its tokens.
std::string requests_plot(const ServeReport& report) {
  std::vector<const CallRecord*> records = good_records(report.result);
  records.resize(std::min(records.size(), kMaxBars));
  const double start = report.result.start;
  double end = 1e-3;
  for (const CallRecord* record : records)
    end = std::max(end, record->last_token - start);
  const double number = static_cast<double>(std::max<size_t>(records.size(), 1));
  Chart chart("Requests", {"seconds", 0.0, end}, {"request", 0.0, number});
  for (size_t i = 0; i < records.size(); ++i) {
    const CallRecord& record = *records[i];
    const double low = static_cast<double>(i) + 0.1;
    const double first = record.first_token - start;
    chart.add_rectangle(record.start - start, first, low, low + 0.8, kOrange);
    chart.add_rectangle(first, record.last_token - start, low, low + 0.8, kBlue);
  }
  chart.add_legend("until the first token", kOrange);
  chart.add_legend("tokens", kBlue);
  return chart.svg();
}

// (seconds after the start, milliseconds)
using Samples = std::vector<std::pair<double, double>>;

// Median and 99th percentile of each part of the run.
std::string percentile_plot(const std::string& title, const Samples& samples) {
  double end = 1e-3;
  double highest = 1e-3;
  for (const auto& [time, value] : samples) {
    end = std::max(end, time);
    highest = std::max(highest, value);
  }
  std::map<int, std::vector<double>> bins;
  for (const auto& [time, value] : samples)
    bins[std::min(static_cast<int>(time / end * kNumBins), kNumBins - 1)].push_back(value);
  Samples median;
  Samples p99;
  for (const auto& [bin, values] : bins) {
    const double time = (bin + 0.5) * end / kNumBins;
    median.emplace_back(time, percentile(values, 50));
    p99.emplace_back(time, percentile(values, 99));
  }
  Chart chart(title, {"seconds", 0.0, end}, {"ms", 0.0, highest * 1.05});
  chart.add_line(p99, kOrange);
  chart.add_line(median, kBlue);
  chart.add_legend("median", kBlue);
  chart.add_legend("99th percentile", kOrange);
  return chart.svg();
}

Samples ttfts(const ServeReport& report) {
  Samples samples;
  for (const CallRecord* record : good_records(report.result))
    samples.emplace_back(record->first_token - report.result.start, record->ttft() * 1e3);
  return samples;
}

Samples itls(const ServeReport& report) {
  Samples samples;
  for (const CallRecord* record : good_records(report.result)) {
    double time = record->first_token - report.result.start;
    for (const double gap : record->itls)
      samples.emplace_back(time += gap, gap * 1e3);
  }
  return samples;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string timeline_html(const ServeReport& report) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<style>body{{font:14px system-ui;margin:2em auto;max-width:760px}}</style>\n"
      "<h1>Serving benchmark of {0}</h1>\n{1}\n{2}\n{3}\n<pre>{4}</pre>\n</html>\n",
      escaped(report.target.model_id),
      requests_plot(report),
      percentile_plot("Time to first token", ttfts(report)),
      percentile_plot("Inter-token latency", itls(report)),
      escaped(to_table(report))
  );
}

}  // namespace quire::bench
