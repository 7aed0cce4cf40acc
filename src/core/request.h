#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/block_hash.h"
#include "quire/request_output.h"
#include "quire/sampling_params.h"

namespace quire {

using RequestId = uint64_t;

enum class RequestStatus : uint8_t {
  kWaiting,
  kWaitingForStreamingReq,  // a resumable one, between two inputs
  kRunning,
  kPreempted,
  // Finished ones from here on.
  kFinishedStopped,
  kFinishedLengthCapped,
  kFinishedAborted,
  kFinishedIgnored,
  kFinishedError,
  kFinishedRepetition,
};
inline bool is_finished(RequestStatus status) {
  return status >= RequestStatus::kFinishedStopped;
}
FinishReason finish_reason_of(RequestStatus status);  // status must be a finished one

// What happened to a request, for the queue and prefill times of the metrics.
struct RequestEvent {
  enum class Kind : uint8_t { kQueued, kScheduled, kPreempted } kind;
  double time;  // monotonic seconds
  bool operator==(const RequestEvent&) const = default;
};

// What a resumable request goes on with once it has answered what it has.
struct StreamingUpdate {
  std::vector<int32_t> token_ids;  // empty only in one that ends the request
  SamplingParams sampling_params;
  bool resumable = false;  // more follows
  bool operator==(const StreamingUpdate&) const = default;
};

// One prompt being served. Owned by the engine's thread. It knows no blocks: those belong to the
// KV cache manager.
struct Request {
  RequestId id = 0;
  // Dense index, unique among the living requests: the tables of core/ are indexed by it. Assigned
  // by the scheduler.
  int request_idx = -1;
  SamplingParams sampling_params;
  int priority = 0;  // lower is served earlier
  double arrival_time = 0.0;  // wall seconds; breaks ties of priority
  int client_index = 0;
  std::string cache_salt;  // requests share cached blocks only under the same salt
  // Completions of one prompt (n > 1) are requests of their own. V0 computes their prompt once.
  RequestId group_id = 0;  // the id of the first of them
  int group_size = 1;  // how many there are
  bool is_ready = true;  // false: something it needs is still being made, and it waits
  // Input follows: a stop parks the request until a further one with its id arrives. It goes on
  // with all it has, but for its last token, which was never computed.
  bool resumable = false;
  bool is_streaming_update = false;  // this is such further input, for the request with its id

  // tokens:  | prompt | output | ; drafts are kept apart until they are verified.
  std::vector<int32_t> token_ids;
  int num_prompt_tokens = 0;
  std::vector<int32_t> draft_token_ids;
  // Tokens whose KV exists, or will when the steps under way are done; drafts and placeholders too.
  int num_computed_tokens = 0;
  // Steps under way that will each bring at least one token behind token_ids.
  int num_output_placeholders = 0;
  int num_stale_steps = 0;  // steps under way whose tokens nobody wants any more

  RequestStatus status = RequestStatus::kWaiting;
  bool is_skipped = false;  // it waits in the queue of those that were not ready
  std::vector<StreamingUpdate> streaming_updates;  // that came before it had stopped
  std::optional<int32_t> stop_token_id;  // the stop token that ended it, other than end of text
  int num_cached_tokens = -1;  // prefix cache hit of the first admission; -1: not admitted yet
  int num_preemptions = 0;
  int num_prompt_logprobs = 0;  // prompt positions told to the client, the first one aside
  std::vector<BlockHash> block_hashes;  // one per full block of token_ids
  std::vector<RequestEvent> events;  // since the last output

  int num_tokens() const { return static_cast<int>(token_ids.size()); }
  int num_tokens_with_drafts() const {
    return num_tokens() + static_cast<int>(draft_token_ids.size());
  }
  // Most tokens it can ever have in a model of that length.
  int max_num_tokens(int max_model_len) const;
  int num_output_tokens() const { return num_tokens() - num_prompt_tokens; }
  std::span<const int32_t> output_token_ids() const {
    return std::span(token_ids).subspan(num_prompt_tokens);
  }
  // Somebody looks at each token as it comes: a stream, or a search for stop strings.
  bool is_read_step_by_step() const {
    return sampling_params.output_kind != RequestOutputKind::kFinalOnly ||
           !sampling_params.stop.empty();
  }
  bool skips_reading_prefix_cache() const {
    return sampling_params.skip_reading_prefix_cache.value_or(
        sampling_params.prompt_logprobs.has_value()
    );
  }
};

}  // namespace quire
