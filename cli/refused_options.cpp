#include "cli/refused_options.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/name_pattern.h"
#include "cli/fixed_options.h"
#include "cli/option_names.h"
#include "cli/sentences.h"
#include "config/field_visitor.h"
#include "config/server_fields.h"

namespace quire::cli {
namespace {

using namespace sentences;

constexpr const char* kOverrideConfig = "Use --hf-overrides instead.";
constexpr const char* kOtherProcessors =
    "Requests have logit_bias, allowed_token_ids and bad_words: leave it out.";
constexpr const char* kNoFingerprint = "Answers have no system_fingerprint: leave it out.";

constexpr RefusedOption kRefusedOptions[] = {
    // One process.
    {"--data-parallel-*", kOneProcess},
    {"--worker-use-ray", kOneProcess},
    {"--ray-workers-use-nsight", kOneProcess},
    {"--master-addr", kOneProcess},
    {"--master-port", kOneProcess},
    {"--numa-bind-*", "Start quire under numactl instead."},
    {"--max-parallel-loading-workers", "Weights are mapped, not read by workers: leave it out."},
    {"--worker-extension-cls", kOneProcess},
    {"--eplb-config", kNoExperts},
    {"--all2all-backend", kNoExperts},
    {"--expert-placement-strategy", kNoExperts},
    {"--dbo-*", kNoExperts},
    // Graphs, compilation, kernels.
    {"--cudagraph-*", kNoGraphs},
    {"--max-cudagraph-capture-size", kNoGraphs},
    {"--max-seq-len-to-capture", kNoGraphs},
    {"--attention-config", kOneKernel},
    {"--kernel-config", kOneKernel},
    // Weights.
    {"--quantization-config", kNoQuantization},
    {"--quantization-param-path", kNoQuantization},
    {"--kv-cache-dtype-skip-layers", kNoQuantization},
    {"--code-revision", kNoForeignCode},
    {"--rope-scaling", kOverrideConfig},
    {"--rope-theta", kOverrideConfig},
    {"--hf-config-path", "config.json is read from the folder of --model: put it there."},
    {"--tokenizer-pool-size", "Text is tokenized as it comes, without a pool: leave it out."},
    {"--model-loader-extra-config", kHfOnly},
    {"--ignore-patterns", "Only the files that the model needs are downloaded: leave it out."},
    {"--offload-*", kNoOffload},
    {"--kv-offloading-*", kNoOffload},
    {"--enable-sleep-mode", kNoOffload},
    {"--lora-*", kNoLora},
    {"--max-loras", kNoLora},
    {"--max-lora-rank", kNoLora},
    {"--max-cpu-loras", kNoLora},
    {"--fully-sharded-loras", kNoLora},
    {"--default-mm-loras", kNoLora},
    {"--max-prompt-adapter*", kNoLora},
    {"--mamba-*", kNoMamba},
    // Scheduling.
    {"--multi-step-stream-outputs", "--stream-interval says how many tokens an output has."},
    {"--scheduler-cls", "Choose with --scheduling-policy fcfs or priority."},
    // Sampling.
    {"--speculative-*", kNoSpeculation},
    {"--spec-*", kNoSpeculation},
    {"--num-speculative-tokens", kNoSpeculation},
    {"--guided-*", kNoGrammar},
    {"--reasoning-config", "Requests cannot limit their thoughts: leave it out."},
    {"--enable-reasoning", "--reasoning-parser alone switches it on: leave it out."},
    {"--best-of", "Ask for n completions with logprobs, and keep the likeliest."},
    {"--use-beam-search", "Call LLM::beam_search from C++; a command line cannot ask for it."},
    {"--logits-processors", kOtherProcessors},
    {"--logits-processor-pattern", kOtherProcessors},
    // Other inputs and other kinds of model.
    {"--pooler-config", kNoPooling},
    {"--override-pooler-config", kNoPooling},
    {"--mm-*", kNoMultiModal},
    {"--media-io-kwargs", kNoMultiModal},
    {"--allowed-local-media-path", kNoMultiModal},
    {"--allowed-media-domains", kNoMultiModal},
    {"--interleave-mm-strings", kNoMultiModal},
    {"--disable-mm-preprocessor-cache", kNoMultiModal},
    // Reports.
    {"--otlp-traces-endpoint", kNoTracing},
    {"--collect-detailed-traces", kNoTracing},
    {"--show-hidden-metrics-for-version", "No metric is hidden: leave it out."},
    {"--kv-events-config", "Events of the KV cache are not published: leave it out."},
    {"--profiler-config", "Run quire under perf instead."},
    {"--kv-transfer-config", kNoTransfer},
    {"--ec-transfer-config", kNoTransfer},
    {"--weight-transfer-config", "Weights are loaded once, at start: leave it out."},
    {"--additional-config", kNoPlugin},
    // The server.
    {"--middleware", "No foreign code runs in the server: put a proxy before it."},
    {"--tool-parser-plugin", kNoPlugin},
    {"--reasoning-parser-plugin", kNoPlugin},
    {"--tool-server", "Tools are run by clients: leave it out."},
    {"--log-config-file",
     "--log-format json, QUIRE_LOGGING_LEVEL and --disable-uvicorn-access-log say what is logged."},
    {"--fingerprint-*", kNoFingerprint},
    {"--url",
     "quire chat and quire complete talk to a server; this command runs the model itself."},
};

constexpr const char* kServers =
    "It is an option of the server: quire serve takes it. Leave it out here.";
constexpr const char* kRequests =
    "It is a sampling parameter: each request says it. --override-generation-config changes the "
    "defaults of temperature, top_p, top_k, min_p, repetition_penalty and max_new_tokens.";

const char* find(std::string_view name) {
  for (const RefusedOption& option : kRefusedOptions) {
    if (matches_pattern(option.name, name)) return option.instead;
  }
  for (const FixedOption& option : fixed_options()) {
    if (name == flag_of(std::string(option.name))) return option.instead;
  }
  return nullptr;
}

// "--no-x" as "--x"; other names as they are.
std::string without_negation(std::string_view flag) {
  constexpr std::string_view kNegation = "--no-";
  const bool is_negated = flag.starts_with(kNegation);
  return is_negated ? "--" + std::string(flag.substr(kNegation.size())) : std::string(flag);
}

template <class Visit>
bool has_field(const std::string& flag, Visit visit) {
  bool is_found = false;
  visit([&](const char* name, auto&, auto, auto) { is_found = is_found || flag == flag_of(name); });
  return is_found;
}

bool is_servers(const std::string& flag) {
  ServerConfig config;
  if (has_field(flag, [&](auto visitor) { visit_server_fields(config, visitor); })) return true;
  return std::ranges::any_of(fixed_options(), [&](const FixedOption& option) {
    return option.is_servers && flag == flag_of(std::string(option.name));
  });
}

}  // namespace

const char* refusal_of_option(std::string_view option) {
  std::string name(option.substr(0, option.find('.')));
  if (const auto longer = long_form(name)) name = longer->substr(0, longer->find('='));
  if (const char* instead = find(name)) return instead;
  return name.starts_with("--no-") ? find(without_negation(name)) : nullptr;
}

const char* place_of_option(std::string_view option) {
  const std::string flag = without_negation(option.substr(0, option.find('.')));
  if (is_servers(flag)) return kServers;
  SamplingParams params;
  const bool is_samplings =
      has_field(flag, [&](auto visitor) { visit_sampling_fields(params, visitor); });
  return is_samplings ? kRequests : nullptr;
}

std::vector<RefusedOption> refused_options() {
  return {std::begin(kRefusedOptions), std::end(kRefusedOptions)};
}

}  // namespace quire::cli
