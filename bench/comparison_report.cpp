#include "bench/comparison_report.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "bench/comparison_plots.h"
#include "bench/output_file.h"
#include "quire/environment_report.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

namespace fs = std::filesystem;

// Three digits are more than the machine's noise allows.
std::string number(double value) {
  return value >= 1000.0 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string cell(const Metric& metric, const Summary& summary) {
  if (metric.better == Better::kNeither) return number(summary.median);
  return fmt::format(
      "{} ({}–{})", number(summary.median), number(summary.min), number(summary.max)
  );
}

std::string ratio_cell(const std::optional<PairedRatio>& ratio) {
  if (!ratio) return "";
  if (ratio->lower_95 == 0.0) return fmt::format("{:.2f}×", ratio->median);
  return fmt::format("{:.2f}× (≥ {:.2f})", ratio->median, ratio->lower_95);
}

std::string equality(const Comparison& comparison) {
  if (comparison.num_different_requests == 0) return "equal";
  return fmt::format(
      "**different** for {} of {}", comparison.num_different_requests, comparison.num_requests
  );
}

std::string machine_line(const ReportHeading& heading) {
  std::string cpu = "unknown CPU";
  for (const ReportSection& section : environment_report()) {
    for (const auto& [name, value] : section.entries) {
      if (section.title == "CPU" && name == "Model") cpu = value;
    }
  }
  return fmt::format("{}, {} threads, {}.", cpu, heading.num_threads, heading.model);
}

// The folder of the plots; its files are named after the report and the workload.
class PlotFolder {
 public:
  explicit PlotFolder(const fs::path& report)
      : dir_(report.parent_path() / "images"), stem_(report.stem().string()) {}

  // Before anything is added.
  void make() const {
    std::error_code error;
    fs::create_directories(dir_, error);
    if (error) {
      throw EnvironmentError(
          fmt::format("Cannot make the folder {}: {}.", dir_.string(), error.message())
      );
    }
  }

  // Writes a plot; the Markdown that shows it.
  std::string add(const std::string& name, const std::string& title, const std::string& svg) const {
    write_file(dir_ / file_name(name), svg);
    return fmt::format("![{}](images/{})\n\n", title, file_name(name));
  }

  // A folder that is not there yet can be made where the report can be written.
  void check(const std::string& option) const {
    std::error_code ignored;
    if (fs::exists(dir_, ignored)) check_output_file(option, dir_ / file_name("throughput"));
  }

 private:
  std::string file_name(const std::string& name) const {
    return fmt::format("{}-{}.svg", stem_, name);
  }

  fs::path dir_;
  std::string stem_;
};

std::string workload_section(const Comparison& comparison, const PlotFolder& plots) {
  std::string text = fmt::format("## {}\n\n{}\n\n", comparison.name, comparison.description);
  text += metrics_table(comparison) + "\n";
  text += fmt::format(
      "Greedy outputs of both engines, {} requests in {} passes: {}.\n\n",
      comparison.num_requests,
      comparison.num_passes + 1,
      equality(comparison)
  );
  if (!inter_token_latencies(comparison.baseline_pass).empty()) {
    text += plots.add(
        comparison.name + "-latency", "Time between two tokens", latency_plot(comparison)
    );
  }
  const auto add_schedule = [&](const char* side, const std::string& name, const PassResult& pass) {
    text +=
        plots.add(comparison.name + "-" + side, "Schedule of " + name, schedule_plot(name, pass));
  };
  add_schedule("baseline", comparison.baseline_name, comparison.baseline_pass);
  add_schedule("candidate", comparison.candidate_name, comparison.candidate_pass);
  return text;
}

constexpr const char* kHowToRead = R"(Both engines live in one process and serve the same requests
by turns, pass after pass, greedy and with a fixed number of tokens; the order within a pair
alternates, and a first pass of each is not counted. Cells are medians over the passes with the
range; a ratio is the median of the pairs, turned so that above 1 the second engine is better, and
“≥” the bound above which it lies with 95 % confidence (sign test). TTFT counts from the request's
arrival, ITL is the time between two tokens of a request, both as the steps end. “KV slots without a
token” is the share of the slots in all held blocks, over all steps; below it stands what an
allocator would waste that reserves each request's memory in one piece. “Step overhead” is the time
between two steps' computations.

On a CPU a prompt's computation is bound by arithmetic, so what V1 gains by running prompts and
decoding in one step is less than on a device whose steps cost the reading of the weights; the
schedules show what each engine did.

)";

void write_summary(JsonWriter& writer, const char* name, const Summary& summary) {
  writer.key(name).begin_object();
  writer.field("median", summary.median).field("min", summary.min).field("max", summary.max);
  writer.end_object();
}

void write_metric(JsonWriter& writer, const Metric& metric) {
  writer.begin_object().field("name", metric.name).field("unit", metric.unit);
  write_summary(writer, "baseline", metric.baseline);
  write_summary(writer, "candidate", metric.candidate);
  if (metric.ratio) {
    writer.field("ratio", metric.ratio->median);
    if (metric.ratio->lower_95 > 0.0) writer.field("ratio_lower_95", metric.ratio->lower_95);
  }
  writer.end_object();
}

}  // namespace

std::string metrics_table(const Comparison& comparison) {
  std::string text = fmt::format(
      "| | {} | {} | ratio |\n|---|---|---|---|\n",
      comparison.baseline_name,
      comparison.candidate_name
  );
  for (const Metric& metric : comparison.metrics) {
    const bool names_unit = metric.unit.empty() || metric.unit == "1/s";
    text += fmt::format(
        "| {}{} | {} | {} | {} |\n",
        metric.name,
        names_unit ? "" : ", " + metric.unit,
        cell(metric, metric.baseline),
        cell(metric, metric.candidate),
        ratio_cell(metric.ratio)
    );
  }
  return text;
}

std::string summary_table(const std::vector<Comparison>& comparisons) {
  std::string text =
      "| workload | engines | output tokens/s | ratio | TTFT p50 | ITL p99 | hit rate, % | "
      "greedy outputs |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const Comparison& comparison : comparisons) {
    const Metric& rate = comparison.metric("output tokens/s");
    const Metric& hits = comparison.metric("prefix cache hit rate");
    text += fmt::format(
        "| {} | {} → {} | {} → {} | {} | {} | {} | {} → {} | {} |\n",
        comparison.name,
        comparison.baseline_name,
        comparison.candidate_name,
        number(rate.baseline.median),
        number(rate.candidate.median),
        ratio_cell(rate.ratio),
        ratio_cell(comparison.metric("TTFT p50").ratio),
        ratio_cell(comparison.metric("ITL p99").ratio),
        number(hits.baseline.median),
        number(hits.candidate.median),
        equality(comparison)
    );
  }
  return text;
}

void check_report_file(const std::string& option, const fs::path& file) {
  check_output_file(option, file);
  PlotFolder(file).check(option);
}

void write_report(
    const fs::path& file, const ReportHeading& heading, const std::vector<Comparison>& comparisons
) {
  const PlotFolder plots(file);
  plots.make();
  std::string text = "# V0 and V1 compared\n\n";
  text += fmt::format("Made by `{}` on {}\n\n", heading.command, machine_line(heading));
  text += kHowToRead;
  text += summary_table(comparisons) + "\n";
  text += plots.add("throughput", "Throughput ratios", throughput_plot(comparisons));
  for (const Comparison& comparison : comparisons)
    text += workload_section(comparison, plots);
  text.pop_back();
  write_file(file, text);
}

std::string to_json(const std::vector<Comparison>& comparisons) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("workloads").begin_array();
  for (const Comparison& comparison : comparisons) {
    writer.begin_object();
    writer.field("name", comparison.name);
    writer.field("baseline", comparison.baseline_name);
    writer.field("candidate", comparison.candidate_name);
    writer.field("num_requests", comparison.num_requests);
    writer.field("num_passes", comparison.num_passes);
    writer.field("greedy_outputs_equal", comparison.num_different_requests == 0);
    writer.key("metrics").begin_array();
    for (const Metric& metric : comparison.metrics)
      write_metric(writer, metric);
    writer.end_array().end_object();
  }
  writer.end_array().end_object();
  return json;
}

}  // namespace quire::bench
