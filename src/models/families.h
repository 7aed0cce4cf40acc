#pragma once

#include <memory>

#include "layers/load_context.h"
#include "models/causal_lm.h"

// One constructor per family of models. max_model_len sizes the tables of rotary embeddings.
namespace quire {

std::unique_ptr<CausalLM> make_llama(
    const ModelConfig& config, int max_model_len, const LoadContext& root
);
std::unique_ptr<CausalLM> make_mistral(
    const ModelConfig& config, int max_model_len, const LoadContext& root
);
std::unique_ptr<CausalLM> make_qwen2(
    const ModelConfig& config, int max_model_len, const LoadContext& root
);
std::unique_ptr<CausalLM> make_qwen3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
);
std::unique_ptr<CausalLM> make_gemma2(
    const ModelConfig& config, int max_model_len, const LoadContext& root
);
std::unique_ptr<CausalLM> make_gemma3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
);
std::unique_ptr<CausalLM> make_phi3(
    const ModelConfig& config, int max_model_len, const LoadContext& root
);

}  // namespace quire
