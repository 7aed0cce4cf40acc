#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/token_logprobs.h"
#include "quire/sampling_params.h"

// The two plain structs that the towers exchange. Everything is in batch order and flat, so a
// reused struct allocates nothing in a steady decode.
namespace quire {

// Everything the runner must know of a request it has not seen, or that starts again after it was
// preempted.
struct NewRequestData {
  uint64_t request_id = 0;
  std::vector<int32_t> token_ids;  // prompt, and for a resumed request its output so far
  int num_prompt_tokens = 0;
  SamplingParams sampling_params;
  bool operator==(const NewRequestData&) const = default;
};

// One request's share of a step. The scheduled tokens are
// [num_computed_tokens, num_computed_tokens + num_scheduled_tokens), the last num_draft_tokens of
// which are drafts.
struct ScheduledRequest {
  uint64_t request_id = 0;
  int request_idx = -1;  // the scheduler's own handle; other readers go by request_id
  int num_computed_tokens = 0;  // before this step
  int num_scheduled_tokens = 0;  // >= 1, or 0 for a fork
  int num_draft_tokens = 0;
  // Index into SchedulerOutput::new_requests; none: the runner knows this request, and a diff
  // suffices.
  std::optional<int> new_request_idx;
  // Index of a request of the step whose tokens and blocks this one shares: it computes nothing,
  // and its token is sampled from that request's last row. Forks stand behind all others.
  std::optional<int> fork_of;
  bool operator==(const ScheduledRequest&) const = default;
};

enum class BlockSpace : uint8_t { kDevice, kHost };

// Copies to be done before the step: swapping and copy-on-write.
struct BlockCopy {
  BlockSpace source_space = BlockSpace::kDevice;
  BlockSpace target_space = BlockSpace::kDevice;
  int source = 0;
  int target = 0;
  bool operator==(const BlockCopy&) const = default;
};

// A place in the table of a request that the runner knows gets another block: a copy of a shared
// one that is written now.
struct BlockReplacement {
  int req_idx = 0;  // index into SchedulerOutput::requests
  int group = 0;
  int table_idx = 0;
  int block_id = 0;
  bool operator==(const BlockReplacement&) const = default;
};

struct SchedulerOutput {
  std::vector<ScheduledRequest> requests;  // [num_reqs], batch order
  std::vector<NewRequestData> new_requests;
  // Blocks appended to the tables in this step (the whole table for a new request). Those of
  // request r in group g are new_block_ids[new_block_starts[r * num_groups + g] ..
  // new_block_starts[r * num_groups + g + 1]).
  // Example: 2 requests, 1 group, 3 and 0 new blocks: starts [0, 3, 3].
  std::vector<int> new_block_ids;
  std::vector<int> new_block_starts;  // [num_reqs * num_groups + 1]
  std::vector<int32_t> draft_token_ids;  // [sum of num_draft_tokens], batch order
  // Since the last step; only ids whose slot the runner holds. Both are freed before the step's
  // requests are read: a preempted request may be back among new_requests at once. A resumable
  // request that waits for input counts as preempted here.
  std::vector<uint64_t> finished_request_ids;
  std::vector<uint64_t> preempted_request_ids;
  std::vector<BlockCopy> block_copies;  // to be done in this order, even if no request runs
  std::vector<BlockReplacement> block_replacements;
  std::vector<int> num_common_prefix_blocks;  // [num_groups], shared by all running requests
  int num_groups = 1;
  int total_num_scheduled_tokens = 0;

  int num_reqs() const { return static_cast<int>(requests.size()); }
  std::span<const int> new_blocks(int req_idx, int group) const {
    const int at = req_idx * num_groups + group;
    return std::span(new_block_ids)
        .subspan(new_block_starts[at], new_block_starts[at + 1] - new_block_starts[at]);
  }
  void clear();  // keeps the capacity
  std::string to_string() const;
  bool operator==(const SchedulerOutput&) const = default;
};

// Rows of logprobs of one request of the batch.
struct RequestLogprobs {
  int req_idx = 0;  // index into SchedulerOutput::requests
  std::vector<TokenLogprobs> positions;
  bool operator==(const RequestLogprobs&) const = default;
};

// A request of the batch whose token could not be sampled.
struct RequestFailure {
  int req_idx = 0;  // index into SchedulerOutput::requests
  std::string reason;
  bool operator==(const RequestFailure&) const = default;
};

struct ModelRunnerOutput {
  // Tokens sampled for request r of the step:
  // sampled_token_ids[sampled_starts[r] .. sampled_starts[r + 1]). Empty for a prefill chunk that
  // does not reach the last token.
  std::vector<int32_t> sampled_token_ids;
  std::vector<int> sampled_starts;  // [num_reqs + 1]
  // Rows of the requests that asked for them, in batch order. The first row of prompt_logprobs is
  // about the token behind the request's num_computed_tokens.
  std::vector<RequestLogprobs> logprobs;
  std::vector<RequestLogprobs> prompt_logprobs;
  // These end with an error. The tokens in their places mean nothing.
  std::vector<RequestFailure> failures;

  std::span<const int32_t> sampled(int req_idx) const {
    return std::span(sampled_token_ids)
        .subspan(sampled_starts[req_idx], sampled_starts[req_idx + 1] - sampled_starts[req_idx]);
  }
  void clear();  // keeps the capacity
  bool operator==(const ModelRunnerOutput&) const = default;
};

}  // namespace quire
