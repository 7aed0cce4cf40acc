#pragma once

#include <cstdint>
#include <string>

namespace quire {

// What the machine offers this process.
struct DeviceInfo {
  int64_t total_memory_bytes = 0;  // of the cgroup if it has a limit, else of the machine
  int num_cpus = 1;  // affinity mask and cgroup quota counted in
};

DeviceInfo query_device_info();

// "1.50 GiB"
std::string format_gib(int64_t num_bytes);

}  // namespace quire
