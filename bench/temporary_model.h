#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

namespace quire::bench {

// A folder with nothing but a config.json, for load_format "dummy". It is gone when the last copy
// of the handle is.
std::shared_ptr<const std::filesystem::path> make_temporary_model(std::string_view config_json);

// A Llama of 302 M parameters, head and embedding shared: 0.6 GB in bfloat16.
extern const std::string_view kMemoryBoundModel;

}  // namespace quire::bench
