#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace quire::test {

// One prompt of tests/data/models/<name>/goldens.safetensors: what Hugging Face transformers
// computes from that checkpoint in float32 with eager attention.
struct LogitsGolden {
  std::vector<int32_t> prompt_ids;  // [prompt_len]
  int vocab_size = 0;
  std::vector<float> logits;  // [prompt_len, vocab_size]
  std::vector<int32_t> greedy_ids;  // [16], not stopped at the end-of-text token
  std::vector<float> greedy_gap;  // [16], best logit minus second best
  float bf16_error = 0.0F;  // max |logits - logits of transformers in bfloat16|

  const float* row(size_t position) const { return logits.data() + position * vocab_size; }
};

// `model_dir` is a folder of tests/data/models. Throws when the file is missing or malformed.
std::vector<LogitsGolden> load_logits_goldens(const std::filesystem::path& model_dir);

}  // namespace quire::test
