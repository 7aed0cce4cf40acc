#include "quire/environment_report.h"

#include <fstream>
#include <set>
#include <sstream>

#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <simdjson.h>
#include <spdlog/version.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "backend/cpu_isa.h"
#include "base/env.h"
#include "config/device_info.h"
#include "models/causal_lm.h"

namespace quire {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

// The value of the first line "key<separators>value" of a file; empty if there is none.
std::string read_field(const char* path, const std::string& key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const size_t place = line.find(separator);
    if (place == std::string::npos) continue;
    const size_t start = line.find_first_not_of(" \t\"", place + 1);
    const size_t end = line.find_last_not_of(" \t\"");
    return start == std::string::npos ? "" : line.substr(start, end - start + 1);
  }
  return "";
}

std::string read_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Of the CPU's flags, those that kernels are written for or will be.
std::string vector_flags() {
  static const std::set<std::string> kInteresting = {
      "avx2",
      "fma",
      "f16c",
      "avx512f",
      "avx512bw",
      "avx512vl",
      "avx512_vnni",
      "avx512_bf16",
      "avx_vnni",
      "amx_tile",
      "amx_bf16",
      "amx_int8"};
  std::istringstream flags(read_field("/proc/cpuinfo", "flags", ':'));
  std::vector<std::string> found;
  for (std::string flag; flags >> flag;) {
    if (kInteresting.contains(flag)) found.push_back(flag);
  }
  return fmt::format("{}", fmt::join(found, " "));
}

std::string cache_size(int name) {
  const long bytes = sysconf(name);
  return bytes > 0 ? fmt::format("{} KiB", bytes / 1024) : "unknown";
}

Entries system_entries() {
  utsname kernel{};
  uname(&kernel);
  return {
      {"OS", read_field("/etc/os-release", "PRETTY_NAME", '=')},
      {"Kernel", fmt::format("{} {} {}", kernel.sysname, kernel.release, kernel.machine)},
      {"C library", "glibc " + std::to_string(__GLIBC__) + "." + std::to_string(__GLIBC_MINOR__)},
  };
}

Entries cpu_entries() {
  const DeviceInfo device = query_device_info();
  const cpu::IsaLevel isa = cpu::find_isa(env::cpu_isa().value_or("auto"));
  return {
      {"Model", read_field("/proc/cpuinfo", "model name", ':')},
      {"CPUs of the machine", std::to_string(sysconf(_SC_NPROCESSORS_ONLN))},
      {"CPUs for this process", std::to_string(device.num_cpus)},
      {"Vector extensions", vector_flags()},
      {"Kernels in use", std::string(cpu::isa_name(isa))},
      {"L1d cache", cache_size(_SC_LEVEL1_DCACHE_SIZE)},
      {"L2 cache", cache_size(_SC_LEVEL2_CACHE_SIZE)},
      {"L3 cache", cache_size(_SC_LEVEL3_CACHE_SIZE)},
  };
}

Entries memory_entries() {
  const int64_t machine = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  return {
      {"Memory of the machine", format_gib(machine)},
      {"Memory for this process", format_gib(query_device_info().total_memory_bytes)},
      {"Transparent huge pages", read_line("/sys/kernel/mm/transparent_hugepage/enabled")},
  };
}

Entries library_entries() {
  return {
      {"fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"spdlog", fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)},
      {"simdjson", SIMDJSON_STRINGIFY(SIMDJSON_VERSION)},
      {"libcurl", curl_version_info(CURLVERSION_NOW)->version},
      {"OpenSSL", OpenSSL_version(OPENSSL_VERSION)},
  };
}

}  // namespace

std::vector<ReportSection> environment_report() {
  return {
      {"System", system_entries()},
      {"CPU", cpu_entries()},
      {"Memory", memory_entries()},
      {"Libraries", library_entries()},
      {"Models", {{"Architectures", fmt::format("{}", fmt::join(supported_architectures(), " "))}}},
      {"Environment variables", env::set_variables()},
  };
}

}  // namespace quire
