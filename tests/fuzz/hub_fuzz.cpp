// What a hub sends: the list of a repository's files.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "hub/hub_api.h"
#include "hub/hub_cache.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_safe(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto path = (std::filesystem::path("/cache") / name).lexically_normal();
    require(path.native().starts_with("/cache/"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  try {
    const quire::RepoInfo info = quire::parse_repo_info(json, "test");
    require(quire::is_commit(info.commit));
    require_safe(info.files);
  } catch (const quire::EnvironmentError&) {
  }
  return 0;
}
