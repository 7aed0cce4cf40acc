#include "cli/fixed_options.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "cli/option_value.h"
#include "cli/sentences.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

using namespace sentences;

constexpr const char* kNoCascade = "There is no cascade attention: leave it out.";
constexpr const char* kNoDocsPage = "/docs needs no network: leave it out.";
constexpr const char* kEnginesLog = "One engine logs for itself: leave it out.";

constexpr FixedOption kFixedOptions[] = {
    // One process.
    {"tensor_parallel_size", "1", kOneProcess},
    {"pipeline_parallel_size", "1", kOneProcess},
    {"data_parallel_size", "1", kOneProcess},
    {"data_parallel_size_local", "1", kOneProcess},
    {"decode_context_parallel_size", "1", kOneProcess},
    {"prefill_context_parallel_size", "1", kOneProcess},
    {"nnodes", "1", kOneProcess},
    {"node_rank", "0", kOneProcess},
    {"distributed_executor_backend", "uni|none", kOneProcess},
    {"worker_cls", "auto", kOneProcess},
    {"disable_custom_all_reduce", "on", kOneProcess},
    {"numa_bind", "off", "Start quire under numactl instead."},
    {"enable_expert_parallel", "off", kNoExperts},
    {"enable_eplb", "off", kNoExperts},
    {"enable_elastic_ep", "off", kNoExperts},
    {"enable_dbo", "off", kNoExperts},
    {"moe_backend", "auto", kNoExperts},
    // Graphs, compilation, kernels.
    {"enforce_eager", "on", kNoGraphs},
    {"optimization_level", "0", kNoGraphs},
    {"compilation_config", "{}|0|none", kNoGraphs},
    {"performance_mode", "balanced", "Set --max-num-seqs and --max-num-batched-tokens instead."},
    {"attention_backend", "none", kOneKernel},
    {"linear_backend", "auto", kOneKernel},
    {"enable_flashinfer_autotune", "off", kOneKernel},
    {"disable_cascade_attn", "on", kNoCascade},
    {"disable_sliding_window",
     "off",
     "A window is part of the model: leave it out. --max-model-len up to the window has its "
     "effect."},
    // The model and its files.
    {"runner", "auto|generate", kNoPooling},
    {"convert", "auto|none", kNoPooling},
    {"task", "auto|generate", kNoPooling},
    {"trust_remote_code", "off", kNoForeignCode},
    {"model_impl", "auto|vllm", kNoForeignCode},
    {"tokenizer_mode", "auto|hf", kHfOnly},
    {"config_format", "auto|hf", kHfOnly},
    {"quantization", "none", kNoQuantization},
    {"allow_deprecated_quantization", "off", kNoQuantization},
    {"calculate_kv_scales", "off", kNoQuantization},
    {"safetensors_load_strategy", "lazy|none", "Weights are mapped, vLLM's lazy: leave it out."},
    {"pt_load_map_location", "cpu", kHfOnly},
    {"cpu_offload_gb", "0", kNoOffload},
    {"kv_offloading_size", "0|none", kNoOffload},
    {"enable_lora", "off", kNoLora},
    {"enable_prompt_adapter", "off", kNoLora},
    // Scheduling and sampling.
    {"num_scheduler_steps",
     "1",
     "Multi-step scheduling ended with V0: V1 plans every step anew, and with --async-scheduling "
     "the next one while one runs."},
    {"num_lookahead_slots", "0", kNoSpeculation},
    {"use_v2_block_manager", "on", "There is one block manager: leave it out."},
    {"disable_async_output_proc", "off", "Outputs have a thread of their own: leave it out."},
    {"kv_sharing_fast_prefill", "off", "Every layer has a KV cache of its own: leave it out."},
    {"renderer_num_workers",
     "1",
     "Prompts are rendered by the threads that serve connections: --api-server-count says how "
     "many they are."},
    {"speculative_config", "none", kNoSpeculation},
    {"structured_outputs_config", "{}", kNoGrammar},
    // Other inputs.
    {"limit_mm_per_prompt", "{}", kNoMultiModal},
    {"language_model_only", "on", kNoMultiModal},
    {"skip_mm_profiling", "on", kNoMultiModal},
    {"mm_encoder_only", "off", kNoMultiModal},
    {"enable_mm_embeds", "off", kNoMultiModal},
    {"disable_chunked_mm_input", "off", kNoMultiModal},
    {"enable_prompt_embeds", "off", "Prompts are text or token ids: leave it out."},
    // Reports.
    {"enable_mfu_metrics", "off", kNoTracing},
    {"cudagraph_metrics", "off", kNoGraphs},
    {"enable_logging_iteration_details",
     "off",
     "QUIRE_LOGGING_LEVEL=DEBUG logs more: leave it out."},
    {"aggregate_engine_logging", "on", kEnginesLog},
    // The server.
    {"uvicorn_log_level", "info", "QUIRE_LOGGING_LEVEL sets the level of all log lines.", true},
    {"enable_ssl_refresh",
     "off",
     "Certificates are read at the start: start the server anew when they change.",
     true},
    {"enable_offline_docs", "on", kNoDocsPage, true},
    {"headless", "off", kOneProcess, true},
    {"tokens_only", "off", "Text comes with the token ids: leave it out.", true},
    {"enable_flash_late_interaction", "off", kNoPooling, true},
    {"enable_log_deltas", "off", "Outputs are logged whole, at their end: leave it out.", true},
    {"log_error_stack", "off", "The log names the place of an internal error: leave it out.", true},
    {"grpc", "off", "The server speaks HTTP alone: leave it out.", true},
    {"omni", "off", kNoMultiModal, true},
};

std::optional<double> number(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

// 0.0 is 0; None is none.
bool is_same(std::string_view accepted, const std::string& word) {
  if (word == accepted || (accepted == "none" && word == "None")) return true;
  const auto wish = number(word);
  return wish && wish == number(accepted);
}

bool is_accepted(const FixedOption& option, const std::string& word, const std::string& where) {
  if (option.is_switch()) {
    bool is_on = false;
    parse_value(where, {word}, is_on);
    return is_on == (option.accepted == "on");
  }
  std::string_view rest = option.accepted;
  while (true) {
    const size_t bar = rest.find('|');
    if (is_same(rest.substr(0, bar), word)) return true;
    if (bar == std::string_view::npos) return false;
    rest.remove_prefix(bar + 1);
  }
}

}  // namespace

std::span<const FixedOption> fixed_options() {
  return kFixedOptions;
}

void check_fixed(const FixedOption& option, const std::string& word, const std::string& where) {
  if (is_accepted(option, word, where)) return;
  throw InvalidArgument(where, fmt::format("not supported: {}", option.instead));
}

}  // namespace quire::cli
