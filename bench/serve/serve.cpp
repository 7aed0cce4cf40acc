#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/progress_bar.h"
#include "bench/benchmarks.h"
#include "bench/output_file.h"
#include "bench/serve/serve_plots.h"
#include "bench/serve/serve_target.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxShownErrors = 5;

LoadOptions load_options(const ServeOptions& options, const PromptSource& source) {
  return {
      .max_concurrency = options.max_concurrency.value_or(0),
      .streams = options.stream,
      .checks_length = options.ignore_eos,
      .keeps_text = options.save_detailed,
      .timeout = static_cast<double>(options.client_timeout_sec),
      .tokenizer = source.tokenizer.get(),
  };
}

// The first request over and over, before anything is measured.
void warm_up(
    const ServeOptions& options, const ServeTarget& target, const CallPlan& plan, LoadOptions load
) {
  if (options.num_warmups == 0) return;
  cli::print(fmt::format("Warming up with {} requests...\n", options.num_warmups));
  std::vector<PlannedCall> calls(static_cast<size_t>(options.num_warmups), plan.calls.front());
  for (PlannedCall& call : calls)
    call.at = 0.0;
  const LoadResult result = run_load(target.base_url, calls, load);
  for (const CallRecord& record : result.records) {
    if (!record.is_ok) throw EnvironmentError("The warm-up failed: " + record.error + ".");
  }
}

LoadResult run(
    const ServeOptions& options, const ServeTarget& target, const CallPlan& plan, LoadOptions load
) {
  const bool is_open = !std::isinf(options.request_rate);
  cli::print(fmt::format("Traffic request rate: {}\n", options.request_rate));
  if (is_open && options.burstiness != 1.0) {
    cli::print(fmt::format("Burstiness factor: {} (Gamma distribution)\n", options.burstiness));
  } else {
    cli::print("Burstiness factor: 1.0 (Poisson process)\n");
  }
  cli::print(fmt::format(
      "Maximum request concurrency: {}\n",
      options.max_concurrency ? std::to_string(*options.max_concurrency) : "None"
  ));
  const auto number = static_cast<int64_t>(plan.calls.size());
  ProgressBar bar("Requests", number, !options.disable_tqdm);
  load.on_progress = [&](size_t num_done) { bar.update(static_cast<int64_t>(num_done)); };
  LoadResult result = run_load(target.base_url, plan.calls, load);
  bar.update(number);
  return result;
}

void show_errors(const LoadResult& result) {
  size_t num_shown = 0;
  for (size_t i = 0; i < result.records.size() && num_shown < kMaxShownErrors; ++i) {
    if (result.records[i].is_ok) continue;
    ++num_shown;
    cli::print_note(fmt::format("Request {} failed: {}", i, result.records[i].error));
  }
}

fs::path result_path(const ServeReport& report, const std::string& date) {
  const fs::path dir = report.options.result_dir.value_or("");
  return dir / report.options.result_filename.value_or(result_file_name(report, date));
}

// What would make the whole run useless is told before it.
void check_results(const ServeOptions& options) {
  const fs::path dir = options.result_dir.value_or(".");
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) {
    throw EnvironmentError(
        fmt::format("--result-dir: cannot make {}: {}.", dir.string(), error.message())
    );
  }
  if (options.result_filename) {
    check_output_file("--result-filename", dir / *options.result_filename);
  }
}

void save(const ServeReport& report) {
  const ServeOptions& options = report.options;
  const bool saves_json = options.save_result || options.append_result || options.save_detailed;
  const std::time_t now = std::time(nullptr);
  const std::string date = fmt::format("{:%Y%m%d-%H%M%S}", fmt::localtime(now));
  const fs::path path = result_path(report, date);
  if (saves_json) {
    const std::string json = to_json(report, date);
    if (options.append_result && fs::exists(path) && fs::file_size(path) > 0) {
      std::ofstream(path, std::ios::app | std::ios::binary) << "\n" << json;
    } else {
      write_file(path, json);
    }
    cli::print(fmt::format("Result: {}\n", path.string()));
  }
  if (options.plot_timeline) {
    fs::path page = path;
    page.replace_extension(".timeline.html");
    write_file(page, timeline_html(report));
    cli::print(fmt::format("Plots: {}\n", page.string()));
  }
}

}  // namespace

int run_serve(int argc, char** argv) {
  const std::optional<ServeOptions> options = parse_serve_options(argc, argv);
  if (!options) return 0;
  check_results(*options);
  const FoundTarget found = find_target(*options);
  const CallPlan plan = make_call_plan(*options, found.target, found.source);
  const LoadOptions load = load_options(*options, found.source);
  warm_up(*options, found.target, plan, load);
  const LoadResult result = run(*options, found.target, plan, load);
  const ServeMetrics metrics = measure(result, *options);
  const ServeReport report{*options, found.target, plan, result, metrics};
  cli::print(to_table(report));
  show_errors(result);
  save(report);
  return metrics.failed == 0 ? 0 : 1;
}

}  // namespace quire::bench
