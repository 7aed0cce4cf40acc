#include "config/device_info.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/thread_pool.h"

namespace quire {
namespace {

int64_t physical_memory_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
}

// Limit files hold a number of bytes, or "max".
int64_t read_limit(const char* path, int64_t fallback) {
  std::ifstream file(path);
  int64_t limit = 0;
  return file >> limit && limit > 0 ? limit : fallback;
}

}  // namespace

DeviceInfo query_device_info() {
  const int64_t physical = physical_memory_bytes();
  const int64_t v2 = read_limit("/sys/fs/cgroup/memory.max", physical);
  const int64_t v1 = read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes", physical);
  return {std::min({physical, v2, v1}), available_cpus()};
}

std::string format_gib(int64_t num_bytes) {
  return fmt::format("{:.2f} GiB", static_cast<double>(num_bytes) / (1 << 30));
}

}  // namespace quire
