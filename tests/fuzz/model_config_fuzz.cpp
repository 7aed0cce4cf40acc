#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/model_config.h"
#include "quire/error.h"

// Any text is a configuration that a model can be built from or an InvalidArgument. What stands
// after the first NUL byte is generation_config.json.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t split = text.find('\0');
  const std::string_view config = text.substr(0, split);
  const std::string_view generation =
      split == std::string_view::npos ? std::string_view() : text.substr(split + 1);
  try {
    const quire::ModelConfig parsed = quire::parse_model_config(config, generation);
    const bool is_sound =
        parsed.hidden_size > 0 && parsed.num_key_value_heads > 0 && parsed.head_dim > 1 &&
        parsed.num_attention_heads % parsed.num_key_value_heads == 0 &&
        parsed.is_sliding_layer.size() == static_cast<size_t>(parsed.num_hidden_layers) &&
        parsed.derived_max_model_len() > 0;
    if (!is_sound) std::abort();
  } catch (const quire::InvalidArgument&) {
  }
  return 0;
}
