#pragma once

#include "quire/engine_config.h"
#include "quire/sampling_params.h"

// Each option is declared once: name, member, group, help. The command line, --help
// and JSON lines all come from these lists. A visitor is called as
// visitor(name, member, group, help); name has underscores, as in Python.
namespace quire {

template <class Config, class Visitor>
void visit_model_fields(Config& c, Visitor& v) {
  v("model", c.model, "ModelConfig", "Folder or Hugging Face repository of the model.");
  v("tokenizer", c.tokenizer, "ModelConfig", "Folder or repository of the tokenizer.");
  v("revision", c.revision, "ModelConfig", "Branch, tag or commit of the repository.");
  v("tokenizer_revision", c.tokenizer_revision, "ModelConfig", "The same for the tokenizer.");
  v("hf_token", c.hf_token, "ModelConfig", "Access token for gated repositories.");
  v("dtype",
    c.dtype,
    "ModelConfig",
    "Type of weights and KV cache: auto, float32 or bfloat16. auto takes the checkpoint's, and "
    "bfloat16 for float16 and float32 checkpoints.");
  v("max_model_len",
    c.max_model_len,
    "ModelConfig",
    "Longest prompt plus output, in tokens. Default: what config.json states; -1 or auto: as "
    "much of that as the KV cache holds.");
  v("seed", c.seed, "ModelConfig", "Seed of requests that have none of their own.");
  v("generation_config",
    c.generation_config,
    "ModelConfig",
    "Where default sampling parameters come from: auto (the model's folder), vllm (none), or a "
    "folder.");
  v("override_generation_config",
    c.override_generation_config,
    "ModelConfig",
    "JSON object over these defaults: temperature, top_p, top_k, min_p, repetition_penalty, "
    "max_new_tokens.");
  v("hf_overrides",
    c.hf_overrides,
    "ModelConfig",
    "JSON object whose fields replace those of config.json.");
  v("chat_template", c.chat_template, "ModelConfig", "File with a chat template, or its text.");
  v("skip_tokenizer_init",
    c.skip_tokenizer_init,
    "ModelConfig",
    "Work on token ids only, without a tokenizer.");
  v("max_logprobs",
    c.max_logprobs,
    "ModelConfig",
    "Largest number of logprobs a request may ask for; -1: no limit.");
  v("logprobs_mode",
    c.logprobs_mode,
    "ModelConfig",
    "raw_logprobs, processed_logprobs, raw_logits or processed_logits.");
}

template <class Config, class Visitor>
void visit_load_and_cache_fields(Config& c, Visitor& v) {
  v("load_format",
    c.load_format,
    "LoadConfig",
    "auto or safetensors; for measuring: dummy makes random weights, null replaces forward pass "
    "and sampling, so that the engine alone is left.");
  v("download_dir", c.download_dir, "LoadConfig", "Cache folder of downloads.");
  v("use_tqdm_on_load", c.use_tqdm_on_load, "LoadConfig", "Show a progress bar while loading.");
  v("block_size",
    c.block_size,
    "CacheConfig",
    "Tokens per KV cache block, a power of two from 16 on. Default 16.");
  v("gpu_memory_utilization",
    c.gpu_memory_utilization,
    "CacheConfig",
    "Share of the memory that the engine may use, in (0, 1]. Default 0.5 on the CPU.");
  v("kv_cache_memory_bytes",
    c.kv_cache_memory_bytes,
    "CacheConfig",
    "Size of the KV cache in bytes, instead of a share of the memory.");
  v("num_gpu_blocks_override",
    c.num_gpu_blocks_override,
    "CacheConfig",
    "Number of KV cache blocks, whatever the memory.");
  v("enable_prefix_caching",
    c.enable_prefix_caching,
    "CacheConfig",
    "Reuse the KV blocks of prompts that begin alike. Default on, with V0 off.");
  v("prefix_caching_hash_algo",
    c.prefix_caching_hash_algo,
    "CacheConfig",
    "Hash of a block's content: sha256 (over CBOR, the same as sha256_cbor), or xxhash: faster, "
    "not safe against crafted prompts.");
  v("kv_cache_dtype", c.kv_cache_dtype, "CacheConfig", "Type of the KV cache: auto, the model's.");
  v("kv_cache_population",
    c.kv_cache_population,
    "CacheConfig",
    "When the KV cache takes its memory from the system: lazy (as it is used), background (from "
    "the start, beside the work) or eager (before the start).");
  v("disable_hybrid_kv_cache_manager",
    c.disable_hybrid_kv_cache_manager,
    "SchedulerConfig",
    "Let layers with a sliding window keep all tokens in a model that also has others.");
}

template <class Config, class Visitor>
void visit_scheduler_fields(Config& c, Visitor& v) {
  v("scheduler",
    c.scheduler,
    "SchedulerConfig",
    "v1, or v0 for comparison: prompts first and whole. Default v1, and v0 for options that only "
    "V0 has.");
  v("max_num_batched_tokens",
    c.max_num_batched_tokens,
    "SchedulerConfig",
    "Token budget of one step. Default 4096 offline, 2048 in the server.");
  v("max_num_seqs",
    c.max_num_seqs,
    "SchedulerConfig",
    "Requests that run at once. Default 256 offline, 128 in the server.");
  v("max_num_scheduled_tokens",
    c.max_num_scheduled_tokens,
    "SchedulerConfig",
    "Tokens handed out in one step. Default: max_num_batched_tokens.");
  v("enable_chunked_prefill",
    c.enable_chunked_prefill,
    "SchedulerConfig",
    "Split long prompts over steps, so that running requests go on. Default on, with V0 off.");
  v("long_prefill_token_threshold",
    c.long_prefill_token_threshold,
    "SchedulerConfig",
    "Longest piece of one prompt in a step; 0: bounded by the budget alone, or 4 % of "
    "max_model_len with max_num_partial_prefills above 1.");
  v("max_num_partial_prefills",
    c.max_num_partial_prefills,
    "SchedulerConfig",
    "Prompts that may be half computed at once; 1: no limit.");
  v("max_long_partial_prefills",
    c.max_long_partial_prefills,
    "SchedulerConfig",
    "Of these, prompts longer than long_prefill_token_threshold; shorter ones pass others.");
  v("scheduling_policy",
    c.scheduling_policy,
    "SchedulerConfig",
    "fcfs, or priority: lower values are served first.");
  v("scheduler_reserve_full_isl",
    c.scheduler_reserve_full_isl,
    "SchedulerConfig",
    "Admit a prompt only when the cache has room for all of it.");
  v("async_scheduling",
    c.async_scheduling,
    "SchedulerConfig",
    "Plan a step while the one before it runs. Off by default on the CPU, where both need it.");
  v("stream_interval",
    c.stream_interval,
    "SchedulerConfig",
    "Tokens between two outputs of a stream.");
}

template <class Config, class Visitor>
void visit_v0_fields(Config& c, Visitor& v) {
  v("scheduler_delay_factor",
    c.scheduler_delay_factor,
    "SchedulerConfig",
    "V0: prompts wait this many times the last prompt's latency, so that more come together.");
  v("preemption_mode",
    c.preemption_mode,
    "SchedulerConfig",
    "V0: recompute or swap. Default: swap the completions of a prompt with n > 1, recompute "
    "others.");
  v("swap_space",
    c.swap_space,
    "CacheConfig",
    "V0: GiB of host memory for the blocks of preempted requests; 0: none. Default 4.");
}

template <class Config, class Visitor>
void visit_machine_fields(Config& c, Visitor& v) {
  v("device", c.device, "DeviceConfig", "auto or cpu.");
  v("cpu_isa",
    c.cpu_isa,
    "DeviceConfig",
    "Kernel set: auto, generic, avx2 or avx512. auto takes the best one this CPU has.");
  v("batch_invariant",
    c.batch_invariant,
    "DeviceConfig",
    "Give a prompt the same logits alone and in any batch. Always so on the CPU.");
  v("num_threads",
    c.num_threads,
    "DeviceConfig",
    "Compute threads. Default: the CPUs that this process may use.");
  v("disable_log_stats", c.disable_log_stats, "ObservabilityConfig", "Log no statistics.");
  v("kv_cache_metrics",
    c.kv_cache_metrics,
    "ObservabilityConfig",
    "Measure how long KV cache blocks live and lie idle, in the metrics.");
  v("kv_cache_metrics_sample",
    c.kv_cache_metrics_sample,
    "ObservabilityConfig",
    "Share of the blocks that kv_cache_metrics measures, in (0, 1].");
}

template <class Config, class Visitor>
void visit_engine_fields(Config& c, Visitor&& v) {
  visit_model_fields(c, v);
  visit_load_and_cache_fields(c, v);
  visit_scheduler_fields(c, v);
  visit_v0_fields(c, v);
  visit_machine_fields(c, v);
}

// The sampling parameters that are plain values; logit_bias, repetition_detection and output_kind
// have shapes of their own and are read where requests are parsed.
template <class Params, class Visitor>
void visit_sampling_fields(Params& p, Visitor&& v) {
  const char* group = "SamplingParams";
  v("n", p.n, group, "Completions per prompt.");
  v("presence_penalty", p.presence_penalty, group, "Against tokens that occurred, [-2, 2].");
  v("frequency_penalty", p.frequency_penalty, group, "The same, per occurrence, [-2, 2].");
  v("repetition_penalty",
    p.repetition_penalty,
    group,
    "Divides the logits of tokens that occurred in prompt or output; > 0, 1 is off.");
  v("temperature", p.temperature, group, "0 is greedy; higher is more random.");
  v("top_p", p.top_p, group, "Smallest set of tokens with this probability, (0, 1].");
  v("top_k", p.top_k, group, "Only the k likeliest tokens; 0 is off.");
  v("min_p", p.min_p, group, "Tokens below min_p times the best probability are dropped.");
  v("seed", p.seed, group, "Makes this request's sampling repeatable.");
  v("stop", p.stop, group, "Texts that end the output.");
  v("stop_token_ids", p.stop_token_ids, group, "Token ids that end the output.");
  v("ignore_eos", p.ignore_eos, group, "Go on after the end-of-text token.");
  v("max_tokens", p.max_tokens, group, "Longest output in tokens.");
  v("min_tokens", p.min_tokens, group, "Shortest output in tokens.");
  v("logprobs", p.logprobs, group, "Likeliest tokens to report per position; -1: all.");
  v("prompt_logprobs", p.prompt_logprobs, group, "The same for the prompt.");
  v("logprob_token_ids", p.logprob_token_ids, group, "Token ids to report instead of the likeliest."
  );
  v("detokenize", p.detokenize, group, "Turn the output into text.");
  v("skip_special_tokens", p.skip_special_tokens, group, "Leave special tokens out of the text.");
  v("spaces_between_special_tokens",
    p.spaces_between_special_tokens,
    group,
    "Put spaces between special tokens.");
  v("include_stop_str_in_output",
    p.include_stop_str_in_output,
    group,
    "Keep the stop text in the output.");
  v("allowed_token_ids", p.allowed_token_ids, group, "Only these tokens may be sampled.");
  v("bad_words", p.bad_words, group, "Words that may not be generated.");
  v("skip_reading_prefix_cache",
    p.skip_reading_prefix_cache,
    group,
    "Compute the prompt even where cached blocks exist.");
}

}  // namespace quire
