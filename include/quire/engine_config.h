#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "quire/api.h"

namespace QUIRE_API quire {

// Decides the defaults that vLLM sets by the kind of use: max_num_batched_tokens 4096 and
// max_num_seqs 256 offline, 2048 and 128 in a server.
enum class UsageContext : uint8_t { kLlm, kServer };

// Every wish a user can have of the engine, in vLLM's names. What is not set is decided when the
// model and the machine are known; the start-up log says how.
struct EngineConfig {
  // Model.
  std::string model = "models/small-chat";  // a folder, or a Hugging Face repository name
  std::optional<std::string> tokenizer;  // folder or repository; default: the model's
  std::optional<std::string> revision;  // branch, tag or commit of the repository
  std::optional<std::string> tokenizer_revision;  // the same for the tokenizer
  std::optional<std::string> download_dir;  // cache folder; default HF_HUB_CACHE
  std::optional<std::string> hf_token;  // of gated repositories; default: HF_TOKEN, then its file
  std::string load_format = "auto";  // auto, safetensors, dummy, null (no model at all)
  std::string dtype = "auto";  // float32, bfloat16; auto: bfloat16, for float32 checkpoints too
  // Tokens of prompt and output; default: the model's; -1: as many of these as the KV cache holds.
  std::optional<int64_t> max_model_len;
  int64_t seed = 0;  // of requests without a seed of their own, and of dummy weights
  std::string generation_config = "auto";  // auto: the model's defaults; vllm: none; a folder
  // JSON object over these defaults: temperature, top_p, top_k, min_p, repetition_penalty,
  // max_new_tokens.
  std::optional<std::string> override_generation_config;
  std::optional<std::string> hf_overrides;  // JSON object: its fields replace config.json's
  std::optional<std::string> chat_template;  // file or template text; default: the tokenizer's
  bool skip_tokenizer_init = false;  // token ids in and out only
  bool use_tqdm_on_load = true;  // progress bar while loading
  int max_logprobs = 20;  // largest logprobs a request may ask for; -1: no limit
  std::string logprobs_mode = "raw_logprobs";  // raw_ or processed_, logprobs or logits

  // Cache.
  std::optional<int> block_size;  // tokens per KV block; default 16, a multiple of 16 on the CPU
  std::optional<double> gpu_memory_utilization;  // share of memory, (0, 1]; default 0.5 on the CPU
  std::optional<int64_t> kv_cache_memory_bytes;  // size of the KV cache, instead of that share
  std::optional<int> num_gpu_blocks_override;  // KV blocks, whatever the memory
  std::optional<bool> enable_prefix_caching;  // default: on, with V0 off
  std::string prefix_caching_hash_algo = "sha256";  // sha256, sha256_cbor, xxhash, xxhash_cbor
  std::string kv_cache_dtype = "auto";  // auto: the model's dtype
  // When the cache takes its memory. lazy: as it is used, so that the first use of each page waits
  // for the system; background: from the start, while it serves; eager: before it starts.
  std::string kv_cache_population = "lazy";
  bool disable_hybrid_kv_cache_manager = false;  // windowed layers keep all tokens if others do

  // Scheduler.
  std::optional<int> max_num_batched_tokens;  // token budget of a step; default 4096
  std::optional<int> max_num_seqs;  // requests running at once; default 256
  std::optional<int> max_num_scheduled_tokens;  // handed out in a step; default: the token budget
  std::optional<std::string> scheduler;  // v1, v0; default v1, and v0 for what only V0 can do
  // Default: on, with V0 off up to a max_model_len of 32768.
  std::optional<bool> enable_chunked_prefill;
  // Longest chunk of one prompt; 0: the budget alone, or 4 % of max_model_len with
  // max_num_partial_prefills > 1.
  int long_prefill_token_threshold = 0;
  int max_num_partial_prefills = 1;  // prompts half computed at once; 1: no limit
  int max_long_partial_prefills = 1;  // of these, longer than the threshold; then short ones pass
  std::string scheduling_policy = "fcfs";  // fcfs, priority
  bool scheduler_reserve_full_isl = true;  // admit a prompt only if all of it fits
  bool async_scheduling = false;  // plan a step while the one before it runs
  // Of V0 alone.
  std::optional<double> scheduler_delay_factor;  // prompts wait: factor * last prompt's latency
  std::optional<std::string> preemption_mode;  // recompute, swap; default: swap groups with n > 1
  std::optional<double> swap_space;  // GiB of host memory for preempted blocks; default 4
  int stream_interval = 1;  // tokens between two streamed outputs

  // Machine.
  std::string device = "auto";  // auto, cpu
  std::string cpu_isa = "auto";  // auto, generic, avx2, avx512
  // A prompt gets the same logits alone and in any batch; always so on the CPU.
  bool batch_invariant = false;
  std::optional<int> num_threads;  // default: the CPUs this process may use

  // Observation.
  bool disable_log_stats = false;  // no line about speed and load now and then
  std::optional<std::string> served_model_name;  // what the metrics call it; default: the model
  bool kv_cache_metrics = false;  // measure how long KV blocks live
  double kv_cache_metrics_sample = 0.01;  // the share of them that is measured, (0, 1]
};

}  // namespace quire
