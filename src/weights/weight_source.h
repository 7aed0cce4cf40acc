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

  // Called with (bytes taken so far, bytes in all) as tensors are taken: for a progress bar. A
  // dummy source does not know what will be asked of it and never calls.
  void on_progress(std::function<void(int64_t, int64_t)> callback);

  // The tensor of exactly this shape, in the checkpoint's dtype, contiguous. Throws InvalidArgument
  // with the full name when it is missing or has another shape.
  Tensor take(const std::string& name, std::initializer_list<int64_t> shape);
  bool has(const std::string& name) const;  // a dummy source has every name
  void ignore(const std::string& name);  // a name that does not exist is fine
  // Names that nobody took or ignored, sorted.
  std::vector<std::string> leftover() const;
  int64_t num_bytes() const;  // of all tensors of the checkpoint; 0 for a dummy
  // The model is built: gives the memory of mapped pages back. Those that are still used (the
  // embedding table) come back from the page cache when they are touched.
  void drop_pages() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
