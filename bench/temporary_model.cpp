#include "bench/temporary_model.h"

#include <cstdlib>
#include <string>

#include "bench/output_file.h"
#include "quire/error.h"

namespace quire::bench {

namespace fs = std::filesystem;

const std::string_view kMemoryBoundModel = R"({
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "hidden_size": 1024,
  "intermediate_size": 3072,
  "num_hidden_layers": 24,
  "num_attention_heads": 16,
  "num_key_value_heads": 8,
  "head_dim": 64,
  "vocab_size": 4096,
  "max_position_embeddings": 2048,
  "rms_norm_eps": 1e-5,
  "rope_theta": 10000.0,
  "hidden_act": "silu",
  "tie_word_embeddings": true,
  "torch_dtype": "bfloat16"
})";

std::shared_ptr<const fs::path> make_temporary_model(std::string_view config_json) {
  std::string name = (fs::temp_directory_path() / "quire-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw EnvironmentError("Cannot make a folder like " + name + ".");
  }
  const auto remove = [](const fs::path* dir) {
    std::error_code ignored;
    fs::remove_all(*dir, ignored);
    delete dir;
  };
  std::shared_ptr<const fs::path> dir(new fs::path(name), remove);
  write_file(*dir / "config.json", std::string(config_json));
  return dir;
}

}  // namespace quire::bench
