#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/tensor.h"
#include "weights/weight_source.h"

namespace quire {

// A point in the checkpoint's name tree: "model.layers.3.self_attn". Layers take their weights from
// it; what nobody takes is reported at the end.
class WeightScope {
 public:
  explicit WeightScope(WeightSource& source, std::string prefix = "")
      : source_(&source), prefix_(std::move(prefix)) {}

  WeightScope operator/(std::string_view name) const;  // scope / "layers" / "3"
  WeightScope operator/(int index) const;

  // The tensor `prefix.name` of exactly this shape, in the checkpoint's dtype. It views the mapped
  // file, which the source keeps open. Throws InvalidArgument with the full name when it is missing
  // or has another shape.
  Tensor take(std::string_view name, std::initializer_list<int64_t> shape) const;
  bool has(std::string_view name) const;
  // Marks a tensor as known and not needed (rotary inv_freq buffers, tied heads).
  void ignore(std::string_view name) const;
  std::string full_name(std::string_view name) const;

  // The model is built. Throws InvalidArgument that lists the tensors nobody took; else lets go of
  // the file pages that loading has read.
  void finish() const;

 private:
  WeightSource* source_;
  std::string prefix_;
};

}  // namespace quire
