#include "bench/serve/soak/server_watch.h"

#include <charconv>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "quire/error.h"

namespace quire::bench {

int64_t resident_bytes(int pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  int64_t total = 0;
  int64_t resident = 0;
  if (!(file >> total >> resident)) {
    throw EnvironmentError(fmt::format("There is no process {} to watch.", pid));
  }
  return resident * ::sysconf(_SC_PAGESIZE);
}

MetricSamples parse_metrics(std::string_view page) {
  MetricSamples samples;
  while (!page.empty()) {
    const size_t end = std::min(page.find('\n'), page.size());
    const std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    const size_t space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string_view::npos) continue;
    double value = 0.0;
    const std::string_view number = line.substr(space + 1);
    const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
    if (result.ec == std::errc()) samples.emplace(line.substr(0, space), value);
  }
  return samples;
}

double sum_of(const MetricSamples& samples, std::string_view name, std::string_view label) {
  double sum = 0.0;
  for (const auto& [key, value] : samples) {
    const std::string_view key_name = std::string_view(key).substr(0, key.find('{'));
    if (key_name == name && key.find(label) != std::string::npos) sum += value;
  }
  return sum;
}

}  // namespace quire::bench
