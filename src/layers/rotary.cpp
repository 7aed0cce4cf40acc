#include "layers/rotary.h"

#include <cmath>
#include <numbers>

#include "base/check.h"

namespace quire {
namespace {

// Llama 3.1: slow pairs are stretched by `factor`, fast ones kept, those between interpolated. How
// fast a pair is says the number of turns that it makes in the original context.
double scale_llama3(const RopeConfig& config, double frequency) {
  const double turns =
      config.original_max_position_embeddings * frequency / (2.0 * std::numbers::pi);
  if (turns < config.low_freq_factor) return frequency / config.factor;
  if (turns > config.high_freq_factor) return frequency;
  const double kept =
      (turns - config.low_freq_factor) / (config.high_freq_factor - config.low_freq_factor);
  return (1.0 - kept) * frequency / config.factor + kept * frequency;
}

double scale_frequency(const RopeConfig& config, double frequency) {
  switch (config.scaling) {
    case RopeScaling::kNone:
      return frequency;
    case RopeScaling::kLinear:
      return frequency / config.factor;
    case RopeScaling::kLlama3:
      return scale_llama3(config, frequency);
  }
  QUIRE_CHECK(false, "rope scaling {}", static_cast<int>(config.scaling));
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& config, int rotary_dim) {
  std::vector<double> frequencies;
  for (int pair = 0; pair < rotary_dim / 2; ++pair) {
    const double frequency = std::pow(config.theta, -2.0 * pair / rotary_dim);
    frequencies.push_back(scale_frequency(config, frequency));
  }
  return frequencies;
}

RotaryEmbedding::RotaryEmbedding(
    const RopeConfig& config, int head_dim, int max_model_len, const Stream& stream
)
    : rotary_dim_(static_cast<int>(head_dim * config.partial_rotary_factor)),
      max_model_len_(max_model_len),
      cos_sin_(Storage::for_tensor(DType::kFloat32, {max_model_len, rotary_dim_})) {
  QUIRE_CHECK(max_model_len > 0, "max_model_len {}", max_model_len);
  const std::vector<double> frequencies = rope_frequencies(config, rotary_dim_);
  const int half = rotary_dim_ / 2;
  const int num_threads = stream.pool().num_threads();
  stream.pool().run([&](int thread_idx) {
    const int64_t begin = int64_t{max_model_len} * thread_idx / num_threads;
    const int64_t end = int64_t{max_model_len} * (thread_idx + 1) / num_threads;
    for (int64_t position = begin; position < end; ++position) {
      float* row = static_cast<float*>(cos_sin_.data()) + position * rotary_dim_;
      for (int pair = 0; pair < half; ++pair) {
        const double angle = static_cast<double>(position) * frequencies[pair];
        row[pair] = static_cast<float>(std::cos(angle));
        row[half + pair] = static_cast<float>(std::sin(angle));
      }
    }
  });
}

RopeTable RotaryEmbedding::table() const {
  return {
      .cos_sin = cos_sin_.tensor(DType::kFloat32, {max_model_len_, rotary_dim_}),
      .rotary_dim = rotary_dim_,
  };
}

RotaryTables::RotaryTables(const ModelConfig& config, int max_model_len, const Stream& stream)
    : global_(config.rope, config.head_dim, max_model_len, stream) {
  if (config.rope_local) {
    local_.emplace(*config.rope_local, config.head_dim, max_model_len, stream);
  }
}

RopeTable RotaryTables::of_layer(const ModelConfig& config, int layer) const {
  return local_ && config.is_sliding_layer[layer] ? local_->table() : global_.table();
}

}  // namespace quire
