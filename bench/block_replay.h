#pragma once

#include <cstdint>
#include <span>

#include "bench/block_trace.h"
#include "config/cache_config.h"

// A trace of prompts through the KV cache, without a model.
namespace quire::bench {

struct ReplayOptions {
  int num_blocks = 0;  // with the null block; 0: as many as all prompts together take
  int block_size = kTraceBlockTokens;  // tokens
  PrefixCachingHashAlgo hash_algo = PrefixCachingHashAlgo::kSha256;
};

struct ReplayResult {
  int num_blocks = 0;
  int num_requests = 0;
  int num_refused_requests = 0;  // larger than the whole cache
  int64_t num_prompt_tokens = 0;
  int64_t num_full_blocks = 0;  // of the prompts
  int64_t num_hit_blocks = 0;
  // Blocks looked up, touched, handed out, cached and freed.
  int64_t num_block_operations = 0;
  double block_seconds = 0.0;  // CPU time that these took
  double hash_seconds = 0.0;  // CPU time of hashing the prompts

  double block_hit_rate() const {
    return num_full_blocks == 0 ? 0.0 : static_cast<double>(num_hit_blocks) / num_full_blocks;
  }
};

// Request after request: look its prompt up, take its blocks, free them. Nothing is generated.
ReplayResult replay(std::span<const BlockTraceRequest> requests, const ReplayOptions& options);

// Share of the KV slots that requests occupy without a token in them, over all steps from the end
// of the prompt to the last output token; no two requests share a block.
// Blocks that are handed out as they are needed:
double paged_waste(std::span<const BlockTraceRequest> requests, int block_size);
// One piece for each request, as long as the longest one ever gets:
double contiguous_waste(std::span<const BlockTraceRequest> requests);

}  // namespace quire::bench
