#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/comparison.h"

namespace quire::bench {

// What was measured, and on what.
struct ReportHeading {
  std::string command;  // that makes the report again
  std::string model;
  int num_threads = 0;
};

// The metrics of one workload as a Markdown table.
std::string metrics_table(const Comparison& comparison);

// One line for each workload.
std::string summary_table(const std::vector<Comparison>& comparisons);

// Before the work begins: throws EnvironmentError, which names the option, if the report or its
// plots cannot be written. The folder of the report must exist.
void check_report_file(const std::string& option, const std::filesystem::path& file);

// Writes the report as Markdown, and its plots into the folder `images` beside it. Throws
// EnvironmentError.
void write_report(
    const std::filesystem::path& file,
    const ReportHeading& heading,
    const std::vector<Comparison>& comparisons
);

std::string to_json(const std::vector<Comparison>& comparisons);

}  // namespace quire::bench
