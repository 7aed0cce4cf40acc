#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "models/causal_lm.h"
#include "models/families.h"
#include "quire/error.h"

namespace quire {
namespace {

struct RegisteredModel {
  std::string_view architecture;  // as in config.json
  std::unique_ptr<CausalLM> (*make
  )(const ModelConfig& config, int max_model_len, const LoadContext& root);
};

// What config.json leaves out for each is in config/model_families.cpp.
constexpr RegisteredModel kModels[] = {
    {"LlamaForCausalLM", make_llama},
    {"MistralForCausalLM", make_mistral},
    {"Qwen2ForCausalLM", make_qwen2},
    {"Qwen3ForCausalLM", make_qwen3},
    {"Gemma2ForCausalLM", make_gemma2},
    {"Gemma3ForCausalLM", make_gemma3},
    {"Phi3ForCausalLM", make_phi3},
};

}  // namespace

std::unique_ptr<CausalLM> load_model(
    const ModelConfig& config, const LoadOptions& options, WeightScope root, const Stream& stream
) {
  for (const RegisteredModel& model : kModels) {
    if (model.architecture != config.architecture) continue;
    auto loaded = model.make(config, options.max_model_len, {root, options.dtype, stream});
    root.finish();
    return loaded;
  }
  throw InvalidArgument(
      "architectures",
      fmt::format(
          "architecture {} is not supported; use a model of one of: {}",
          config.architecture,
          fmt::join(supported_architectures(), ", ")
      )
  );
}

std::vector<std::string> supported_architectures() {
  std::vector<std::string> names;
  for (const RegisteredModel& model : kModels)
    names.emplace_back(model.architecture);
  return names;
}

}  // namespace quire
