#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/request.h"
#include "core/scheduler_output.h"
#include "core/stats.h"

namespace quire {

// What a step did to one request. Its new tokens lie in the EngineCoreOutputs that hold it. The
// vectors in it stay empty in a steady decode without logprobs.
struct EngineCoreOutput {
  RequestId request_id = 0;
  int client_index = 0;
  int token_start = 0;  // index into EngineCoreOutputs::token_ids
  int num_new_tokens = 0;
  int num_cached_tokens = 0;
  int num_preemptions = 0;
  std::optional<FinishReason> finish_reason;
  std::optional<int32_t> stop_token_id;
  std::vector<TokenLogprobs> new_logprobs;  // one per new token, when asked for
  std::vector<TokenLogprobs> new_prompt_logprobs;  // prompt positions of this step, in order
  std::vector<RequestEvent> events;  // since the request's last output
  std::string error;  // why finish_reason is kError
  bool operator==(const EngineCoreOutput&) const = default;
};

// The outputs of a step. Flat, so that a reused one allocates nothing.
// Example: requests 7 and 9 got tokens [5, 6] and [8]: token_ids [5, 6, 8], token_start 0 and 2.
struct EngineCoreOutputs {
  std::vector<EngineCoreOutput> outputs;
  std::vector<int32_t> token_ids;
  double time = 0.0;  // monotonic seconds at the end of the step; 0: not set
  std::vector<KVCacheEviction> kv_cache_evictions;  // when they are measured
  // One of them ends its request, or is read before it ends. The others may come to their reader
  // later, many at a time.
  bool is_awaited = false;

  std::span<const int32_t> new_token_ids(const EngineCoreOutput& output) const {
    return std::span(token_ids).subspan(output.token_start, output.num_new_tokens);
  }
  void clear() {  // keeps the capacity
    outputs.clear();
    token_ids.clear();
    kv_cache_evictions.clear();
    is_awaited = false;
  }
  bool operator==(const EngineCoreOutputs&) const = default;
};

// What schedule() leaves alone.
enum class PauseState : uint8_t {
  kUnpaused,
  kPausedNew,  // running requests go on, nobody is admitted
  kPausedAll,  // nothing is scheduled
};

// Decides which tokens of which requests run in the next step. Called by the engine's thread only.
class SchedulerInterface {
 public:
  virtual ~SchedulerInterface() = default;

  // Takes the request; its id must be new. With is_streaming_update it is further input of the
  // resumable request with its id (the last, if not resumable itself; just the end, if empty), and
  // dropped when that has ended. A request that can never fit is refused alone: the next update()
  // reports it with finish_reason kError and the reason, and no step ever holds it.
  virtual void add_request(std::unique_ptr<Request> request) = 0;

  // Finishes requests from outside (abort, stop string). Unknown ids are ignored: they have
  // finished on their own. Returns the ids that were alive. Empty `ids` finishes nothing.
  virtual std::vector<RequestId> finish_requests(
      std::span<const RequestId> ids, RequestStatus status
  ) = 0;

  // What a request with is_ready = false waited for has come. Unknown ids are ignored.
  virtual void set_ready(RequestId id) = 0;

  // Plans one step and counts its tokens as computed. The result stays valid until the next call.
  // total_num_scheduled_tokens may be 0: then the device has nothing to compute, but finished and
  // preempted ids may still have to reach it, and update() is called all the same (with an empty
  // result), because it also reports refused requests.
  virtual const SchedulerOutput& schedule() = 0;

  // Takes the result of a step: appends tokens, stops, frees. Appends to `outputs` one entry per
  // request that has something to tell. Moves the logprobs out of `result`. Steps are updated in
  // the order in which they were scheduled; requests that have finished since are passed over.
  virtual void update(
      const SchedulerOutput& output, ModelRunnerOutput& result, EngineCoreOutputs& outputs
  ) = 0;

  // Tokens that a proposer guesses to follow; scheduled with the next step. Ignored for unknown ids
  // and for requests whose prompt is not computed yet or whose next token is under way.
  virtual void set_draft_tokens(RequestId id, std::span<const int32_t> draft_token_ids) = 0;

  virtual bool has_unfinished_requests() const = 0;
  virtual std::vector<RequestId> unfinished_request_ids() const = 0;  // in no order
  // Whether schedule() has something to give, or finished ids to tell to the runner. False while
  // all requests wait for what only others can bring.
  virtual bool has_work() const = 0;

  // Paused requests and new ones wait until the state is kUnpaused again.
  virtual void set_pause_state(PauseState state) = 0;
  virtual PauseState pause_state() const = 0;

  // Forgets all cached blocks. With reset_running_requests the running ones are preempted first;
  // otherwise false when blocks are in use.
  [[nodiscard]] virtual bool reset_prefix_cache(bool reset_running_requests) = 0;

  virtual SchedulerStats stats() = 0;
};

}  // namespace quire
