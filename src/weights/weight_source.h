#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace quire {

// Where named tensors come from: a safetensors checkpoint, or made up (--load-format dummy).
// Tensors stay valid as long as the source lives.
class WeightSource {
 public:
  WeightSource();
  ~WeightSource();
  WeightSource(WeightSource&&) noexcept;

  // model.safetensors or the files of model.safetensors.index.json in `dir`, mapped, not read.
  // Throws EnvironmentError (no such file) or InvalidArgument (broken file, with the reason).
  static WeightSource open_safetensors(const std::filesystem::path& dir);
  // Small random values of the shape asked for, the same for the same name and seed.
  static WeightSource dummy(DType dtype, uint64_t seed);

  // Called with (bytes taken so far, bytes in all) as tensors are taken: for a progress bar.
  void on_progress(std::function<void(int64_t, int64_t)> callback);

  Tensor take(const std::string& name, std::initializer_list<int64_t> shape);
  bool has(const std::string& name) const;
  void ignore(const std::string& name);
  // Names that nobody took or ignored.
  std::vector<std::string> leftover() const;
  int64_t num_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
