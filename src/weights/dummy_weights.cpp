#include "weights/dummy_weights.h"

#include <cmath>

#include "tensor/half.h"

namespace quire {
namespace {

// FNV-1a: the same on every machine and in every run.
uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

// SplitMix64 at position `idx` of a stream.
uint64_t random_bits(uint64_t stream, uint64_t idx) {
  uint64_t z = stream + (idx + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

void fill_dummy_weight(const DummyWeights& dummy, std::string_view name, const Tensor& out) {
  const uint64_t stream = random_bits(dummy.seed, hash_name(name));
  const float center = name.ends_with("norm.weight") ? 1.0f : 0.0f;
  // A uniform value in ±sqrt(3 / K) has the variance 1 / K.
  const float width = out.ndim() < 2 ? 0.1f : std::sqrt(3.0f / static_cast<float>(out.size(-1)));
  for (int64_t i = 0; i < out.num_elements(); ++i) {
    const auto mantissa = static_cast<float>(random_bits(stream, i) >> 40);  // 24 bits
    const float value = center + width * (mantissa * 0x1p-23f - 1.0f);
    if (out.dtype() == DType::kBFloat16) {
      out.data<BFloat16>()[i] = to_bfloat16(value);
    } else {
      out.data<float>()[i] = value;
    }
  }
}

}  // namespace quire
