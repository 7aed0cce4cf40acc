#include "cli/refused_options.h"

#include <string>

namespace quire::cli {
namespace {

struct RefusedOption {
  std::string_view name;  // a * at the end stands for any rest
  const char* instead;
};

constexpr const char* kOneProcess =
    "One process serves one copy of the model: leave it out. --num-threads says how many CPUs it "
    "uses.";
constexpr const char* kNoExperts = "Models with experts are not supported: leave it out.";
constexpr const char* kNoGraphs =
    "Nothing is compiled or captured: every step runs eagerly already. Leave it out.";
constexpr const char* kNoQuantization =
    "Weights and KV cache are bfloat16 or float32: take a checkpoint that is not quantized, and "
    "choose with --dtype.";
constexpr const char* kNoSpeculation =
    "Speculative decoding is not supported yet: leave it out. It would not change the text.";
constexpr const char* kNoLora =
    "LoRA adapters are not supported: merge the adapter into the model.";
constexpr const char* kNoGrammar =
    "Constrained output is not supported yet: leave it out, ask for the format in the prompt and "
    "check the answer.";
constexpr const char* kNoReasoning =
    "The text of an answer is given as the model writes it, with its thoughts: leave it out.";
constexpr const char* kNoOffload =
    "Weights are mapped and cached blocks stay in memory: leave it out. --kv-cache-memory-bytes "
    "makes the cache smaller.";
constexpr const char* kNoMultiModal = "Only text models run here: leave it out.";
constexpr const char* kNoPooling =
    "Only models that generate text run here: leave it out, or use another engine for embeddings.";
constexpr const char* kNoServer =
    "There is no server in this version: use quire generate --input-file or quire chat.";
constexpr const char* kNoPublishing =
    "It is published by a server, and there is none in this version: leave it out. --stats shows "
    "how often the prefix cache is hit.";
constexpr const char* kNoMamba = "Models with state-space layers are not supported: leave it out.";
constexpr const char* kNoTransfer =
    "The KV cache is not shared between processes: leave it out. Prefix caching is on by default.";
constexpr const char* kNoTracing =
    "It is not measured. Each output line has its times in `metrics`, and --stats sums them up.";
constexpr const char* kHfOnly =
    "config.json, safetensors files and tokenizer.json are the only formats: convert the model, "
    "and leave it out.";
constexpr const char* kOneKernel = "--cpu-isa chooses the kernels: leave it out.";
constexpr const char* kEditConfig =
    "Write the value into a copy of the model's config.json, and give that folder to --model.";

constexpr RefusedOption kRefusedOptions[] = {
    // One process.
    {"--tensor-parallel-size", kOneProcess},
    {"-tp", kOneProcess},
    {"--pipeline-parallel-size", kOneProcess},
    {"-pp", kOneProcess},
    {"--data-parallel-*", kOneProcess},
    {"-dp*", kOneProcess},
    {"--decode-context-parallel-size", kOneProcess},
    {"-dcp", kOneProcess},
    {"--prefill-context-parallel-size", kOneProcess},
    {"-pcp", kOneProcess},
    {"--distributed-executor-backend", kOneProcess},
    {"--worker-use-ray", kOneProcess},
    {"--ray-workers-use-nsight", kOneProcess},
    {"--master-addr", kOneProcess},
    {"--master-port", kOneProcess},
    {"--nnodes", kOneProcess},
    {"--node-rank", kOneProcess},
    {"--numa-bind*", "Start quire under numactl instead."},
    {"--disable-custom-all-reduce", kOneProcess},
    {"--max-parallel-loading-workers", "Weights are mapped, not read by workers: leave it out."},
    {"--worker-cls", kOneProcess},
    {"--worker-extension-cls", kOneProcess},
    {"--enable-expert-parallel", kNoExperts},
    {"-ep", kNoExperts},
    {"--enable-eplb", kNoExperts},
    {"--eplb-config", kNoExperts},
    {"--all2all-backend", kNoExperts},
    {"--expert-placement-strategy", kNoExperts},
    {"--enable-elastic-ep", kNoExperts},
    {"--moe-backend", kNoExperts},
    {"--enable-dbo", kNoExperts},
    {"--dbo-*", kNoExperts},
    // Graphs, compilation, kernels.
    {"--enforce-eager", kNoGraphs},
    {"--compilation-config", kNoGraphs},
    {"-cc", kNoGraphs},
    {"--optimization-level", kNoGraphs},
    {"-O*", kNoGraphs},
    {"--cudagraph-*", kNoGraphs},
    {"--max-cudagraph-capture-size", kNoGraphs},
    {"--max-seq-len-to-capture", kNoGraphs},
    {"--performance-mode", "Set --max-num-seqs and --max-num-batched-tokens instead."},
    {"--attention-backend", kOneKernel},
    {"--attention-config", kOneKernel},
    {"-ac", kOneKernel},
    {"--kernel-config", kOneKernel},
    {"--linear-backend", kOneKernel},
    {"--enable-flashinfer-autotune", kOneKernel},
    {"--disable-cascade-attn", "There is no cascade attention to switch off: leave it out."},
    {"--disable-sliding-window",
     "A window is part of the model: leave it out. --max-model-len up to the window has its "
     "effect."},
    // Weights.
    {"--quantization", kNoQuantization},
    {"-q", kNoQuantization},
    {"--quantization-config", kNoQuantization},
    {"--quantization-param-path", kNoQuantization},
    {"--allow-deprecated-quantization", kNoQuantization},
    {"--calculate-kv-scales", kNoQuantization},
    {"--kv-cache-dtype-skip-layers", kNoQuantization},
    {"--trust-remote-code",
     "Code from a repository is never run: leave it out. quire collect-env lists the "
     "architectures that are built in."},
    {"--code-revision", "Code from a repository is never run: leave it out."},
    {"--model-impl", "quire collect-env lists the architectures that are built in: leave it out."},
    {"--hf-overrides", kEditConfig},
    {"--rope-scaling", kEditConfig},
    {"--rope-theta", kEditConfig},
    {"--hf-config-path", "config.json is read from the folder of --model: put it there."},
    {"--config-format", kHfOnly},
    {"--tokenizer-mode", kHfOnly},
    {"--tokenizer-pool-size", "Text is tokenized as it comes, without a pool: leave it out."},
    {"--model-loader-extra-config", kHfOnly},
    {"--ignore-patterns", "Only the files that the model needs are downloaded: leave it out."},
    {"--safetensors-load-strategy", "Weights are mapped, which is vLLM's lazy: leave it out."},
    {"--pt-load-map-location", kHfOnly},
    {"--cpu-offload-gb", kNoOffload},
    {"--offload-*", kNoOffload},
    {"--kv-offloading-*", kNoOffload},
    {"--enable-sleep-mode", kNoOffload},
    {"--enable-lora", kNoLora},
    {"--lora-*", kNoLora},
    {"--max-loras", kNoLora},
    {"--max-lora-rank", kNoLora},
    {"--max-cpu-loras", kNoLora},
    {"--fully-sharded-loras", kNoLora},
    {"--default-mm-loras", kNoLora},
    {"--enable-prompt-adapter", kNoLora},
    {"--max-prompt-adapter*", kNoLora},
    {"--mamba-*", kNoMamba},
    // Scheduling.
    {"--num-scheduler-steps",
     "Multi-step scheduling ended with V0: V1 plans every step anew, and with --async-scheduling "
     "the "
     "next one while one runs."},
    {"--multi-step-stream-outputs", "--stream-interval says how many tokens an output has."},
    {"--num-lookahead-slots", kNoSpeculation},
    {"--use-v2-block-manager", "There is one block manager: leave it out."},
    {"--disable-async-output-proc", "Outputs have a thread of their own: leave it out."},
    {"--scheduler-cls", "Choose with --scheduling-policy fcfs or priority."},
    {"--disable-chunked-mm-input", kNoMultiModal},
    {"--kv-sharing-fast-prefill", "Layers that share a KV cache are not supported: leave it out."},
    // Sampling.
    {"--speculative-*", kNoSpeculation},
    {"-sc", kNoSpeculation},
    {"--spec-*", kNoSpeculation},
    {"--num-speculative-tokens", kNoSpeculation},
    {"--structured-outputs-config", kNoGrammar},
    {"--guided-*", kNoGrammar},
    {"--reasoning-*", kNoReasoning},
    {"--enable-reasoning", kNoReasoning},
    {"--best-of",
     "Ask for --n completions in an --input-file with logprobs, and keep the one with the best "
     "cumulative_logprob."},
    {"--use-beam-search", "Call LLM::beam_search from C++; a command line cannot ask for it."},
    {"--logits-processors", "Use --logit-bias, --allowed-token-ids or --bad-words."},
    {"--logits-processor-pattern", "Use --logit-bias, --allowed-token-ids or --bad-words."},
    {"--override-generation-config",
     "Give the sampling parameters themselves, such as --temperature, with --generation-config "
     "vllm."},
    // Other inputs and other kinds of model.
    {"--runner", kNoPooling},
    {"--convert", kNoPooling},
    {"--task", kNoPooling},
    {"--pooler-config", kNoPooling},
    {"--override-pooler-config", kNoPooling},
    {"--limit-mm-per-prompt", kNoMultiModal},
    {"--mm-*", kNoMultiModal},
    {"--media-io-kwargs", kNoMultiModal},
    {"--allowed-local-media-path", kNoMultiModal},
    {"--allowed-media-domains", kNoMultiModal},
    {"--interleave-mm-strings", kNoMultiModal},
    {"--disable-mm-preprocessor-cache", kNoMultiModal},
    {"--enable-mm-embeds", kNoMultiModal},
    {"--language-model-only", kNoMultiModal},
    {"--skip-mm-profiling", kNoMultiModal},
    {"--enable-prompt-embeds", "Prompts are text or token ids: leave it out."},
    // Reports.
    {"--otlp-traces-endpoint", kNoTracing},
    {"--collect-detailed-traces", kNoTracing},
    {"--show-hidden-metrics-for-version", kNoTracing},
    {"--enable-mfu-metrics", kNoTracing},
    {"--kv-events-config", kNoPublishing},
    {"--kv-cache-metrics", kNoPublishing},
    {"--kv-cache-metrics-sample", kNoPublishing},
    {"--enable-logging-iteration-details", "QUIRE_LOGGING_LEVEL=DEBUG logs more: leave it out."},
    {"--aggregate-engine-logging", "One engine logs for itself: leave it out."},
    {"--profiler-config", "Run quire under perf instead."},
    {"--kv-transfer-config", kNoTransfer},
    {"--ec-transfer-config", kNoTransfer},
    {"--weight-transfer-config", "Weights are loaded once, at start: leave it out."},
    {"--additional-config", "There is no plug-in that could read it: leave it out."},
    // The server.
    {"--url", kNoServer},
    {"--host", kNoServer},
    {"--port", kNoServer},
    {"--uds", kNoServer},
    {"--api-key", kNoServer},
    {"--api-server-count", kNoServer},
    {"-asc", kNoServer},
    {"--headless", kNoServer},
    {"--root-path", kNoServer},
    {"--ssl-*", kNoServer},
    {"--allow-credentials", kNoServer},
    {"--allowed-origins", kNoServer},
    {"--allowed-methods", kNoServer},
    {"--allowed-headers", kNoServer},
    {"--middleware", kNoServer},
    {"--uvicorn-log-level", kNoServer},
    {"--disable-uvicorn-access-log", kNoServer},
    {"--disable-access-log-for-endpoints", kNoServer},
    {"--served-model-name", kNoServer},
    {"--response-role", kNoServer},
    {"--tool-*", kNoServer},
    {"--enable-auto-tool-choice", kNoServer},
    {"--exclude-tools-when-tool-choice-none", kNoServer},
    {"--chat-template-content-format", "It is seen from the template itself: leave it out."},
    {"--default-chat-template-kwargs",
     "Give chat_template_kwargs in each line of --input-file instead."},
    {"--trust-request-chat-template", kNoServer},
    {"--return-tokens-as-token-ids", "Output lines have token_ids and logprobs by id already."},
    {"--enable-request-id-headers", kNoServer},
    {"--enable-log-requests", "Requests are not logged: leave it out."},
    {"--enable-log-outputs", "Outputs are not logged: leave it out."},
    {"--disable-log-requests", "Requests are not logged: leave it out."},
    {"--max-log-len", "Requests are not logged: leave it out."},
    {"--enable-prompt-tokens-details", "Output lines have num_cached_tokens already."},
    {"--enable-server-load-tracking", kNoServer},
    {"--shutdown-timeout", kNoServer},
    {"--config", "Options are read from the command line alone: write them there."},
};

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.back() != '*') return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

const char* find(std::string_view name) {
  for (const RefusedOption& option : kRefusedOptions) {
    if (matches(option.name, name)) return option.instead;
  }
  return nullptr;
}

}  // namespace

const char* refusal_of_option(std::string_view option) {
  constexpr std::string_view kNegation = "--no-";
  const std::string_view name = option.substr(0, option.find('.'));
  if (const char* instead = find(name)) return instead;
  if (!name.starts_with(kNegation)) return nullptr;
  return find("--" + std::string(name.substr(kNegation.size())));
}

}  // namespace quire::cli
