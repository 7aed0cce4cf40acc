#include "config/model_families.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr int kMaxWindow = 1 << 30;

// `rule` says which layers have a window where layer_types does not.
template <class Rule>
void read_windows(
    const JsonFields& fields, ModelConfig& config, std::optional<int> window, Rule rule
) {
  config.sliding_window = window;
  if (fields.find("layer_types")) return;  // read for every family
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    config.is_sliding_layer[i] = window.has_value() && rule(i);
  }
}

std::optional<int> window_of(const JsonFields& fields) {
  return fields.integer("sliding_window", 1, kMaxWindow);
}

void read_llama(const JsonFields& fields, ModelConfig& config) {
  read_windows(fields, config, window_of(fields), [](int) { return false; });
}

void read_windows_everywhere(const JsonFields& fields, ModelConfig& config) {
  read_windows(fields, config, window_of(fields), [](int) { return true; });
}

// Checkpoints name a window and leave it unused unless use_sliding_window is set.
void read_qwen(const JsonFields& fields, ModelConfig& config) {
  const bool is_used = fields.boolean("use_sliding_window").value_or(false);
  const int first = fields.integer("max_window_layers", 0, kMaxWindow).value_or(28);
  const auto window = is_used ? window_of(fields) : std::nullopt;
  read_windows(fields, config, window, [first](int i) { return i >= first; });
}

// The window of Gemma where config.json has none; null turns it off.
std::optional<int> gemma_window(const JsonFields& fields) {
  return fields.has("sliding_window") ? window_of(fields) : 4096;
}

double cap_of(const JsonFields& fields, std::string_view name, double missing) {
  return fields.has(name) ? fields.number(name, 0.0, 1e9).value_or(0.0) : missing;
}

void read_gemma(const JsonFields& fields, ModelConfig& config) {
  config.hidden_act = fields.text("hidden_activation").value_or("gelu_pytorch_tanh");
  config.query_pre_attn_scalar = fields.number("query_pre_attn_scalar", 1e-6, 1e9).value_or(256.0);
  if (fields.boolean("use_bidirectional_attention").value_or(false)) {
    fields.fail(
        "use_bidirectional_attention",
        "is true: embedding models are not supported, use a causal one"
    );
  }
}

void read_gemma2(const JsonFields& fields, ModelConfig& config) {
  read_gemma(fields, config);
  config.attn_logit_softcapping = cap_of(fields, "attn_logit_softcapping", 50.0);
  config.final_logit_softcapping = cap_of(fields, "final_logit_softcapping", 30.0);
  read_windows(fields, config, gemma_window(fields), [](int i) { return i % 2 == 0; });
}

void read_gemma3(const JsonFields& fields, ModelConfig& config) {
  read_gemma(fields, config);
  config.attn_logit_softcapping = cap_of(fields, "attn_logit_softcapping", 0.0);
  config.final_logit_softcapping = cap_of(fields, "final_logit_softcapping", 0.0);
  auto pattern = fields.integer("sliding_window_pattern", 1, kMaxWindow);
  if (!pattern) pattern = fields.integer("_sliding_window_pattern", 1, kMaxWindow);
  const int period = pattern.value_or(6);
  read_windows(fields, config, gemma_window(fields), [period](int i) {
    return (i + 1) % period != 0;
  });
}

constexpr ModelFamily kFamilies[] = {
    {.architecture = "LlamaForCausalLM", .read_quirks = read_llama},
    {.architecture = "MistralForCausalLM", .read_quirks = read_windows_everywhere},
    {.architecture = "Qwen2ForCausalLM", .read_quirks = read_qwen},
    {.architecture = "Qwen3ForCausalLM", .head_dim = 128, .read_quirks = read_qwen},
    {.architecture = "Gemma2ForCausalLM",
     .head_dim = 256,
     .tie_word_embeddings = true,
     .read_quirks = read_gemma2},
    {.architecture = "Gemma3ForCausalLM",
     .head_dim = 256,
     .tie_word_embeddings = true,
     .rope = {.theta = 1e6, .local_theta = 1e4},
     .read_quirks = read_gemma3},
    {.architecture = "Phi3ForCausalLM",
     .rms_norm_eps = 1e-5,
     .rope = {.allows_partial = true},
     .read_quirks = read_windows_everywhere},
};

struct RefusedArchitecture {
  std::string_view architecture;
  std::string_view reason;
};

constexpr RefusedArchitecture kRefused[] = {
    {"Gemma3ForConditionalGeneration",
     "reads images too, which is not supported: use a text-only checkpoint (Gemma3ForCausalLM), "
     "for example the 1B size"},
};

}  // namespace

std::span<const ModelFamily> model_families() {
  return kFamilies;
}

const ModelFamily& find_model_family(std::string_view architecture) {
  for (const ModelFamily& family : kFamilies) {
    if (family.architecture == architecture) return family;
  }
  for (const RefusedArchitecture& refused : kRefused) {
    if (refused.architecture == architecture) {
      throw InvalidArgument(
          "architectures",
          fmt::format("config.json: architecture {} {}", architecture, refused.reason)
      );
    }
  }
  std::vector<std::string_view> known;
  for (const ModelFamily& family : kFamilies)
    known.push_back(family.architecture);
  throw InvalidArgument(
      "architectures",
      fmt::format(
          "config.json: architecture {} is not supported; use a model of one of: {}",
          architecture,
          fmt::join(known, ", ")
      )
  );
}

}  // namespace quire
