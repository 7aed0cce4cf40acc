#include "layers/weight_conversion.h"

#include "base/check.h"
#include "tensor/half.h"

namespace quire {
namespace {

// Calls visit with a pointer of the element type of `source`.
template <class Visit>
void visit_float(const Tensor& source, Visit visit) {
  switch (source.dtype()) {
    case DType::kFloat32:
      return visit(source.data<const float>());
    case DType::kBFloat16:
      return visit(source.data<const BFloat16>());
    case DType::kFloat16:
      return visit(source.data<const Float16>());
    default:
      QUIRE_CHECK(false, "{}", dtype_name(source.dtype()));
  }
}

// Elements [begin, end), from dtype to dtype.
template <class Source>
void convert_range(const Source* source, DType dtype, void* out, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float value = to_float(source[i]);
    if (dtype == DType::kBFloat16) {
      static_cast<BFloat16*>(out)[i] = to_bfloat16(value);
    } else {
      static_cast<float*>(out)[i] = value;
    }
  }
}

}  // namespace

Storage to_float32(std::span<const Tensor> parts, float offset) {
  int64_t total = 0;
  for (const Tensor& part : parts)
    total += part.num_elements();
  Storage result = Storage::for_tensor(DType::kFloat32, {total});
  auto* out = static_cast<float*>(result.data());
  for (const Tensor& part : parts) {
    visit_float(part, [&](const auto* source) {
      for (int64_t i = 0; i < part.num_elements(); ++i)
        *out++ = to_float(source[i]) + offset;
    });
  }
  return result;
}

Storage convert(const Stream& stream, const Tensor& source, DType dtype) {
  QUIRE_CHECK(dtype == DType::kFloat32 || dtype == DType::kBFloat16, "{}", dtype_name(dtype));
  const int64_t num_elements = source.num_elements();
  Storage result = Storage::for_tensor(dtype, {num_elements});
  visit_float(source, [&](const auto* elements) {
    const int num_threads = stream.pool().num_threads();
    stream.pool().run([&](int thread_idx) {
      const int64_t begin = num_elements * thread_idx / num_threads;
      const int64_t end = num_elements * (thread_idx + 1) / num_threads;
      convert_range(elements, dtype, result.data(), begin, end);
    });
  });
  return result;
}

}  // namespace quire
