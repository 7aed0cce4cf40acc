#include "support/logits_goldens.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "support/json_reader.h"

namespace quire::test {
namespace {

// A reader of the format that shares no line with src/weights, which these goldens test.
class TensorFile {
 public:
  explicit TensorFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open " + path.string());
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    uint64_t header_size = 0;
    std::memcpy(&header_size, bytes_.data(), sizeof(header_size));
    data_ = 8 + header_size;
    header_ = parser_.parse(bytes_.data() + 8, header_size);
  }

  bool contains(const std::string& name) const {
    return header_[name].error() == simdjson::SUCCESS;
  }

  std::vector<int64_t> shape(const std::string& name) const {
    return read_json_vector<int64_t>(header_[name]["shape"]);
  }

  template <typename T>
  std::vector<T> read(const std::string& name) const {
    const auto range = read_json_vector<int64_t>(header_[name]["data_offsets"]);
    std::vector<T> out((range[1] - range[0]) / sizeof(T));
    std::memcpy(out.data(), bytes_.data() + data_ + range[0], out.size() * sizeof(T));
    return out;
  }

  std::vector<int32_t> read_ids(const std::string& name) const {
    const auto wide = read<int64_t>(name);
    return {wide.begin(), wide.end()};
  }

 private:
  std::string bytes_;
  size_t data_ = 0;
  simdjson::dom::parser parser_;
  simdjson::dom::element header_;
};

}  // namespace

std::vector<LogitsGolden> load_logits_goldens(const std::filesystem::path& model_dir) {
  const TensorFile file(model_dir / "goldens.safetensors");
  std::vector<LogitsGolden> goldens;
  for (int i = 0; file.contains("prompt_" + std::to_string(i)); ++i) {
    const std::string suffix = "_" + std::to_string(i);
    goldens.push_back({
        .prompt_ids = file.read_ids("prompt" + suffix),
        .vocab_size = static_cast<int>(file.shape("logits" + suffix).at(1)),
        .logits = file.read<float>("logits" + suffix),
        .greedy_ids = file.read_ids("greedy" + suffix),
        .greedy_gap = file.read<float>("greedy_gap" + suffix),
        .bf16_error = file.read<float>("bf16_error" + suffix).at(0),
    });
  }
  if (goldens.empty()) throw std::runtime_error("no goldens in " + model_dir.string());
  return goldens;
}

}  // namespace quire::test
