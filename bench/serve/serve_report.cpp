#include "bench/serve/serve_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/json_writer.h"

namespace quire::bench {
namespace {

struct MetricTitle {
  const char* key;
  const char* name;
  const char* title;
};
constexpr MetricTitle kTitles[] = {
    {"ttft", "TTFT", "Time to First Token"},
    {"tpot", "TPOT", "Time per Output Token (excl. 1st token)"},
    {"itl", "ITL", "Inter-token Latency"},
    {"e2el", "E2EL", "End-to-end Latency"},
};

// 99 or 99.9
std::string percentage_text(double percentage) {
  return fmt::format("{:g}", percentage);
}

std::string count_line(const char* name, int64_t value) {
  return fmt::format("{:<40} {:<10}\n", name, value);
}

std::string number_line(const std::string& name, double value) {
  return fmt::format("{:<40} {:<10.2f}\n", name, value);
}

std::string latency_lines(const ServeReport& report) {
  std::string text;
  for (const std::string& key : report.options.percentile_metrics) {
    const auto title = std::ranges::find(kTitles, key, [](const MetricTitle& t) { return t.key; });
    const LatencySummary& summary = report.metrics.latencies.at(key);
    text += fmt::format("{:-^50}\n", title->title);
    text += number_line(fmt::format("Mean {} (ms):", title->name), summary.mean);
    text += number_line(fmt::format("Median {} (ms):", title->name), summary.median);
    for (size_t i = 0; i < summary.percentiles.size(); ++i) {
      const std::string percentage = percentage_text(report.options.metric_percentiles[i]);
      text +=
          number_line(fmt::format("P{} {} (ms):", percentage, title->name), summary.percentiles[i]);
    }
  }
  return text;
}

void write_latencies(JsonWriter& writer, const ServeReport& report) {
  for (const std::string& key : report.options.percentile_metrics) {
    const LatencySummary& summary = report.metrics.latencies.at(key);
    writer.field(fmt::format("mean_{}_ms", key), summary.mean);
    writer.field(fmt::format("median_{}_ms", key), summary.median);
    writer.field(fmt::format("std_{}_ms", key), summary.std);
    for (size_t i = 0; i < summary.percentiles.size(); ++i) {
      const std::string percentage = percentage_text(report.options.metric_percentiles[i]);
      writer.field(fmt::format("p{}_{}_ms", percentage, key), summary.percentiles[i]);
    }
  }
}

template <class Get>
void write_list(JsonWriter& writer, const char* name, const ServeReport& report, Get get) {
  writer.key(name).begin_array();
  for (const CallRecord& record : report.result.records)
    writer.value(get(record));
  writer.end_array();
}

void write_details(JsonWriter& writer, const ServeReport& report) {
  using Record = const CallRecord&;
  write_list(writer, "input_lens", report, [](Record r) { return r.num_prompt_tokens; });
  write_list(writer, "output_lens", report, [](Record r) { return r.num_output_tokens; });
  write_list(writer, "ttfts", report, [](Record r) { return r.is_ok ? r.ttft() : 0.0; });
  writer.key("itls").begin_array();
  for (Record record : report.result.records) {
    writer.begin_array();
    for (const double gap : record.itls)
      writer.value(gap);
    writer.end_array();
  }
  writer.end_array();
  write_list(writer, "start_times", report, [](Record r) { return r.start; });
  write_list(writer, "generated_texts", report, [](Record r) { return std::string_view(r.text); });
  write_list(writer, "errors", report, [](Record r) { return std::string_view(r.error); });
}

void write_ramp_up(JsonWriter& writer, const ServeReport& report) {
  const ServeOptions& options = report.options;
  if (!options.ramp_up_strategy) return;
  writer.field("ramp_up_strategy", std::string_view(*options.ramp_up_strategy));
  writer.field("ramp_up_start_rps", options.ramp_up_start_rps);
  writer.field("ramp_up_end_rps", options.ramp_up_end_rps);
  writer.key("rps_change_events").begin_array();
  for (const RateChange& change : report.plan.rate_changes) {
    writer.begin_object().field("rps", change.rps).field("timestamp", change.at).end_object();
  }
  writer.end_array();
}

void write_setup(JsonWriter& writer, const ServeReport& report, const std::string& date) {
  const ServeOptions& options = report.options;
  const auto text = [&](const char* name, const std::optional<std::string>& value) {
    writer.key(name);
    value ? writer.value(std::string_view(*value)) : writer.null();
  };
  text("date", date);
  text("endpoint_type", options.backend);
  text("backend", options.backend);
  text("label", options.label);
  text("model_id", report.target.model_id);
  text("tokenizer_id", report.target.tokenizer_id);
  writer.field("num_prompts", static_cast<int64_t>(report.plan.calls.size()));
  for (const std::string& pair : options.metadata) {
    const size_t equals = pair.find('=');
    text(pair.substr(0, equals).c_str(), pair.substr(equals + 1));
  }
  writer.key("request_rate");
  std::isinf(options.request_rate) ? writer.value("inf") : writer.value(options.request_rate);
  writer.field("burstiness", options.burstiness);
  writer.key("max_concurrency");
  options.max_concurrency ? writer.value(*options.max_concurrency) : writer.null();
  write_ramp_up(writer, report);
}

void write_throughput(JsonWriter& writer, const ServeReport& report) {
  const ServeMetrics& metrics = report.metrics;
  writer.field("duration", report.result.duration)
      .field("completed", metrics.completed)
      .field("failed", metrics.failed)
      .field("total_input_tokens", metrics.total_input)
      .field("total_output_tokens", metrics.total_output)
      .field("request_throughput", metrics.request_throughput)
      .key("request_goodput");
  metrics.request_goodput ? writer.value(*metrics.request_goodput) : writer.null();
  writer.field("output_throughput", metrics.output_throughput)
      .field("total_token_throughput", metrics.total_token_throughput)
      .field("max_output_tokens_per_s", metrics.max_output_tokens_per_s)
      .field("max_concurrent_requests", metrics.max_concurrent_requests)
      .field("num_stream_events", report.result.num_events)
      .field("stream_events_per_second", metrics.events_per_second);
}

}  // namespace

std::string to_table(const ServeReport& report) {
  const ServeMetrics& metrics = report.metrics;
  std::string text = fmt::format("{:=^50}\n", " Serving Benchmark Result ");
  text += count_line("Successful requests:", metrics.completed);
  text += count_line("Failed requests:", metrics.failed);
  if (report.options.max_concurrency) {
    text += count_line("Maximum request concurrency:", *report.options.max_concurrency);
  }
  if (!std::isinf(report.options.request_rate)) {
    text += number_line("Request rate configured (RPS):", report.options.request_rate);
  }
  text += number_line("Benchmark duration (s):", report.result.duration);
  text += count_line("Total input tokens:", metrics.total_input);
  text += count_line("Total generated tokens:", metrics.total_output);
  text += number_line("Request throughput (req/s):", metrics.request_throughput);
  if (metrics.request_goodput) {
    text += number_line("Request goodput (req/s):", *metrics.request_goodput);
  }
  text += number_line("Output token throughput (tok/s):", metrics.output_throughput);
  text += number_line("Peak output token throughput (tok/s):", metrics.max_output_tokens_per_s);
  text += number_line("Peak concurrent requests:", metrics.max_concurrent_requests);
  text += number_line("Total token throughput (tok/s):", metrics.total_token_throughput);
  if (report.options.stream) {
    text += number_line("Stream events (events/s):", metrics.events_per_second);
  }
  text += latency_lines(report);
  return text + std::string(50, '=') + "\n";
}

std::string to_json(const ServeReport& report, const std::string& date) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  write_setup(writer, report, date);
  write_throughput(writer, report);
  if (report.options.save_detailed) write_details(writer, report);
  write_latencies(writer, report);
  writer.end_object();
  return json;
}

std::string result_file_name(const ServeReport& report, const std::string& date) {
  const ServeOptions& options = report.options;
  const std::string& model = report.target.model_id;
  const std::string rate =
      std::isinf(options.request_rate) ? "inf" : fmt::format("{:g}", options.request_rate);
  return fmt::format(
      "{}-{}qps{}-{}-{}.json",
      options.label.value_or(options.backend),
      rate,
      options.max_concurrency ? fmt::format("-concurrency{}", *options.max_concurrency) : "",
      model.substr(model.find_last_of('/') + 1),
      date
  );
}

}  // namespace quire::bench
