#pragma once

// What to do instead of options that this version lacks; for the tables of fixed_options.cpp and
// refused_options.cpp.
namespace quire::cli::sentences {

inline constexpr const char* kOneProcess =
    "One process serves one copy of the model: leave it out. --num-threads says how many CPUs it "
    "uses.";
inline constexpr const char* kNoExperts = "Models with experts do not run here: leave it out.";
inline constexpr const char* kNoGraphs =
    "Nothing is compiled or captured: every step runs eagerly already. Leave it out.";
inline constexpr const char* kNoQuantization =
    "Weights and KV cache are bfloat16 or float32: take a checkpoint that is not quantized, and "
    "choose with --dtype.";
inline constexpr const char* kNoSpeculation =
    "Tokens are not drafted yet: leave it out. It would not change the text.";
inline constexpr const char* kNoLora =
    "Adapters are not applied: merge the adapter into the model.";
inline constexpr const char* kNoGrammar =
    "Output cannot be constrained yet: leave it out, ask for the format in the prompt and "
    "check the answer.";
inline constexpr const char* kNoOffload =
    "Weights are mapped and cached blocks stay in memory: leave it out. --kv-cache-memory-bytes "
    "makes the cache smaller.";
inline constexpr const char* kNoMultiModal = "Only text models run here: leave it out.";
inline constexpr const char* kNoPooling =
    "Only models that generate text run here: leave it out, or use another engine for embeddings.";
inline constexpr const char* kNoMamba =
    "Models with state-space layers do not run here: leave it out.";
inline constexpr const char* kNoTransfer =
    "The KV cache is not shared between processes: leave it out. Prefix caching is on by default.";
inline constexpr const char* kNoTracing =
    "It is not measured: leave it out. /metrics of the server has the times of requests, and "
    "output lines of quire generate have them in `metrics`.";
inline constexpr const char* kHfOnly =
    "config.json, safetensors files and tokenizer.json are the only formats: convert the model, "
    "and leave it out.";
inline constexpr const char* kOneKernel = "--cpu-isa chooses the kernels: leave it out.";
inline constexpr const char* kNoForeignCode =
    "Code from a repository is never run: leave it out. quire collect-env lists the architectures "
    "that are built in.";
inline constexpr const char* kNoPlugin =
    "There are no plug-ins: leave it out. What is built in stands in docs/server.md.";

}  // namespace quire::cli::sentences
