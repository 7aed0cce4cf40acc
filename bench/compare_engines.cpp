// quire bench compare-engines: V0 and V1 side by side.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/progress_bar.h"
#include "base/thread_pool.h"
#include "bench/benchmarks.h"
#include "bench/comparison.h"
#include "bench/comparison_report.h"
#include "bench/workload.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

struct CompareOptions {
  std::vector<std::string> workloads;
  PassLimits limits{.num_passes = 11, .min_seconds = 30.0};
  double scale = 1.0;
  std::optional<std::string> trace;
  std::optional<std::string> report;
  std::optional<std::string> output_json;
};

void add_options(cli::CommandLine& command_line, CompareOptions& options) {
  command_line.add_texts(
      "workload",
      options.workloads,
      "What is served: all (default), or one or more of hello, mixed, shared-prefix, chat, "
      "bursty, memory-bound, no-hits, async."
  );
  command_line.add_int(
      "num-passes",
      options.limits.num_passes,
      "Measured passes of each engine, at least; the bound of a ratio needs five."
  );
  command_line.add_number(
      "min-seconds",
      options.limits.min_seconds,
      "How long a workload is measured, at least: a short one has more passes."
  );
  command_line.add_number("scale", options.scale, "Factor of the number of requests.");
  command_line.add_text(
      "trace",
      options.trace,
      "Arrivals of the workload bursty, as Azure's conversation trace; default "
      "tests/data/traces/azure_conversation.csv."
  );
  command_line.add_text(
      "report", options.report, "Markdown file for the report; its plots go to images/ beside it."
  );
  command_line.add_text("output-json", options.output_json, "File for the result.");
}

std::vector<std::string> chosen_workloads(const CompareOptions& options) {
  const std::vector<std::string> all = workload_names();
  bool wants_all = options.workloads.empty();
  for (const std::string& name : options.workloads) {
    if (name != "all") check_workload_name(name);
    wants_all |= name == "all";
  }
  return wants_all ? all : options.workloads;
}

void check(const CompareOptions& options) {
  const auto& [num_passes, min_seconds] = options.limits;
  if (num_passes < 1) {
    throw InvalidArgument("--num-passes", fmt::format("must be at least 1, got {}.", num_passes));
  }
  if (!(min_seconds >= 0.0 && min_seconds <= 86400.0)) {
    throw InvalidArgument(
        "--min-seconds", fmt::format("must be in [0, 86400], got {}.", min_seconds)
    );
  }
  if (!(options.scale > 0.0 && options.scale <= 1000.0)) {
    throw InvalidArgument("--scale", fmt::format("must be in (0, 1000], got {}.", options.scale));
  }
}

// What the two engines are made to differ in cannot be asked for.
void check_engine_options(const cli::CommandLine& command_line) {
  for (const char* name :
       {"scheduler",
        "enable_prefix_caching",
        "enable_chunked_prefill",
        "max_num_batched_tokens",
        "async_scheduling"}) {
    if (!command_line.was_given(name)) continue;
    throw InvalidArgument(
        name, "is set by each workload of bench compare-engines, for both engines: leave it out."
    );
  }
}

Comparison run(const Workload& workload, const PassLimits& limits) {
  ProgressBar bar(workload.name, limits.num_passes, true);
  const Comparison comparison = compare(workload, limits, [&](int num_done, int total) {
    bar.set_total(total);
    bar.update(num_done);
  });
  cli::print(fmt::format(
      "{}: {}\n\n{}Greedy outputs: {}\n\n",
      comparison.name,
      comparison.description,
      metrics_table(comparison),
      comparison.num_different_requests == 0 ? std::string("equal")
                                             : fmt::format(
                                                   "DIFFERENT for {} of {} requests",
                                                   comparison.num_different_requests,
                                                   comparison.num_requests
                                               )
  ));
  return comparison;
}

}  // namespace

int run_compare_engines(int argc, char** argv) {
  cli::CommandLine command_line(
      "bench compare-engines",
      "Serves the same requests with the schedulers V0 and V1 by turns and prints one table for "
      "each workload. Exit code 1 if their greedy outputs are not the same."
  );
  CompareOptions options;
  add_options(command_line, options);
  command_line.add_engine_options();
  if (!command_line.parse(argc, argv)) return 0;
  check(options);
  check_json_path(options.output_json);
  if (options.report) check_report_file("--report", *options.report);
  check_engine_options(command_line);
  WorkloadOptions workload_options{
      .engine = engine_config(command_line),
      .scale = options.scale,
      .trace = options.trace.value_or("tests/data/traces/azure_conversation.csv"),
  };
  workload_options.engine.use_tqdm_on_load = false;
  // All of them first: what is wrong with one is found before another is measured.
  std::vector<Workload> workloads;
  for (const std::string& name : chosen_workloads(options))
    workloads.push_back(make_workload(name, workload_options));
  std::vector<Comparison> comparisons;
  bool is_equal = true;
  for (const Workload& workload : workloads) {
    comparisons.push_back(run(workload, options.limits));
    is_equal &= comparisons.back().num_different_requests == 0;
  }
  cli::print(summary_table(comparisons));
  if (options.output_json) write_json(*options.output_json, to_json(comparisons));
  if (options.report) {
    const ReportHeading heading{
        .command = fmt::format("quire bench {}", fmt::join(argv, argv + argc, " ")),
        .model = workload_options.engine.model,
        .num_threads = workload_options.engine.num_threads.value_or(available_cpus()),
    };
    write_report(*options.report, heading, comparisons);
  }
  return is_equal ? 0 : 1;
}

}  // namespace quire::bench
