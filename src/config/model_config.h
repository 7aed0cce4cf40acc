#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace quire {

enum class RopeScaling : uint8_t { kNone, kLinear, kLlama3 };

struct RopeConfig {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  // Of llama3 scaling.
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  int original_max_position_embeddings = 0;
  double partial_rotary_factor = 1.0;
};

// config.json, in the names that Hugging Face gives its fields, older and newer spellings folded
// together; and what generation_config.json adds.
struct ModelConfig {
  std::string architecture;  // the first of `architectures`
  std::string model_type;
  int vocab_size = 0;
  int hidden_size = 0;
  int intermediate_size = 0;
  int num_hidden_layers = 0;
  int num_attention_heads = 0;
  int num_key_value_heads = 0;
  int head_dim = 0;
  int max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  std::string hidden_act = "silu";
  bool tie_word_embeddings = false;
  bool attention_bias = false;
  bool mlp_bias = false;
  RopeConfig rope;
  std::optional<RopeConfig> rope_local;  // of sliding-window layers, where it differs (Gemma 3)
  std::optional<int>
      sliding_window;  // tokens a query sees, itself included; none: no layer has one
  std::vector<bool> is_sliding_layer;  // [num_hidden_layers]
  double attn_logit_softcapping = 0.0;  // 0: off
  double final_logit_softcapping = 0.0;  // 0: off
  std::optional<double> query_pre_attn_scalar;
  DType dtype = DType::kFloat32;  // torch_dtype / dtype of the checkpoint
  std::vector<int32_t> eos_token_ids;  // config.json's, then generation_config.json's
  std::optional<int32_t> bos_token_id;

  // Defaults of generation_config.json for sampling.
  std::optional<double> default_temperature;
  std::optional<double> default_top_p;
  std::optional<int> default_top_k;
  std::optional<double> default_min_p;
  std::optional<double> default_repetition_penalty;
  std::optional<int> default_max_new_tokens;

  // The longest sequence the checkpoint was made for (rope scaling counted in).
  int derived_max_model_len() const;
};

// Reads config.json and, if present, generation_config.json of a local folder. Throws
// InvalidArgument with the field's name, EnvironmentError for a missing file.
ModelConfig load_model_config(const std::filesystem::path& dir);
// config.json's text, with the fields of a JSON object in place of its own unless that is empty.
std::string read_model_config_file(const std::filesystem::path& dir, std::string_view hf_overrides);
// The same with the fields of a JSON object in place of config.json's.
ModelConfig load_model_config(const std::filesystem::path& dir, std::string_view hf_overrides);

// The same from texts; generation_config may be empty. For tests and the fuzzer.
ModelConfig parse_model_config(std::string_view config, std::string_view generation_config);

// Puts the values of a JSON object over the sampling defaults; null takes one away. Throws
// InvalidArgument for a field that is none of them, or out of its range.
void override_generation_config(ModelConfig& config, std::string_view overrides);

}  // namespace quire
