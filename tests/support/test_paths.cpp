#include "support/test_paths.h"

#include <cstdlib>

namespace quire::test {

std::filesystem::path test_data_dir() {
  return QUIRE_TEST_DATA_DIR;
}

std::filesystem::path bundled_models_dir() {
  return QUIRE_BUNDLED_MODELS_DIR;
}

std::optional<std::filesystem::path> external_data_dir() {
  const char* dir = std::getenv("QUIRE_TEST_DATA");
  if (dir == nullptr || *dir == '\0') return std::nullopt;
  return dir;
}

}  // namespace quire::test
