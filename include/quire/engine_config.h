#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace quire {

// Every wish a user can have of the engine, in vLLM's names. What is not set is decided when the
// model and the machine are known; the start-up log says how.
struct EngineConfig {
  // Model.
  std::string model = "models/small-chat";  // a folder, or a Hugging Face repository name
  std::optional<std::string> tokenizer;  // folder or repository; default: the model's
  std::optional<std::string> revision;  // branch, tag or commit of the repository
  std::optional<std::string> tokenizer_revision;
  std::optional<std::string> download_dir;  // cache folder; default HF_HUB_CACHE
  std::optional<std::string> hf_token;
  std::string load_format = "auto";  // auto, safetensors, dummy
  std::string dtype = "auto";  // auto, float32, bfloat16
  std::optional<int64_t> max_model_len;  // tokens of prompt and output; default: the model's
  int64_t seed = 0;
  std::string generation_config = "auto";  // auto: the model's defaults; vllm: none; a folder
  std::optional<std::string> chat_template;  // file or template text; default: the tokenizer's
  bool skip_tokenizer_init = false;  // token ids in and out only
  bool use_tqdm_on_load = true;  // progress bar while loading
  int max_logprobs = 20;  // largest logprobs a request may ask for; -1: no limit
  std::string logprobs_mode = "raw_logprobs";

  // Cache.
  std::optional<int> block_size;  // tokens per KV block; default 16, a multiple of 16 on the CPU
  std::optional<double> gpu_memory_utilization;  // share of memory the engine may use
  std::optional<int64_t> kv_cache_memory_bytes;
  std::optional<int> num_gpu_blocks_override;
  bool enable_prefix_caching = true;
  std::string prefix_caching_hash_algo = "sha256";  // sha256, sha256_cbor, xxhash, xxhash_cbor
  std::string kv_cache_dtype = "auto";  // auto: the model's dtype

  // Scheduler.
  std::optional<int> max_num_batched_tokens;  // token budget of a step
  std::optional<int> max_num_seqs;  // requests running at once
  bool enable_chunked_prefill = true;
  int long_prefill_token_threshold = 0;  // longest chunk of one prompt; 0: the budget alone
  std::string scheduling_policy = "fcfs";  // fcfs, priority
  bool scheduler_reserve_full_isl = true;  // admit a prompt only if all of it fits
  int stream_interval = 1;  // tokens between two streamed outputs

  // Machine.
  std::string device = "auto";  // auto, cpu
  std::string cpu_isa = "auto";  // auto, generic, avx2, avx512
  std::optional<int> num_threads;  // default: the CPUs this process may use

  bool disable_log_stats = false;
};

}  // namespace quire
