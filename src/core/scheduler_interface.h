#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/request.h"
#include "core/scheduler_output.h"
#include "core/stats.h"

namespace quire {

// What a step did to one request, for the output side.
struct EngineCoreOutput {
  RequestId request_id = 0;
  int client_index = 0;
  std::vector<int32_t> new_token_ids;
  std::vector<TokenLogprobs> new_logprobs;         // one per new token, when asked for
  std::vector<TokenLogprobs> new_prompt_logprobs;  // prompt positions of this step, in order
  std::optional<FinishReason> finish_reason;
  std::optional<int32_t> stop_token_id;
  int num_cached_tokens = 0;
  int num_preemptions = 0;
  std::vector<RequestEvent> events;
};

// Decides which tokens of which requests run in the next step. Called by the engine's thread only.
class SchedulerInterface {
 public:
  virtual ~SchedulerInterface() = default;

  // Takes the request; its id must be new. A request that can never fit is finished at the next
  // schedule(), and update() reports it.
  virtual void add_request(std::unique_ptr<Request> request) = 0;

  // Finishes requests from outside (abort, stop string). Unknown ids are ignored: they have
  // finished on their own. Returns the ids that were alive. Empty `ids` finishes nothing.
  virtual std::vector<RequestId> finish_requests(
      std::span<const RequestId> ids, RequestStatus status
  ) = 0;

  // Plans one step. The result stays valid until the next call. total_num_scheduled_tokens may be
  // 0: then there is nothing for the device to do, but finished ids may still have to reach it.
  virtual const SchedulerOutput& schedule() = 0;

  // Takes the step's result: appends tokens, stops, frees. Appends one entry to `outputs` for every
  // request that has something to tell.
  virtual void update(
      const SchedulerOutput& output,
      const ModelRunnerOutput& result,
      std::vector<EngineCoreOutput>& outputs
  ) = 0;

  // Tokens that a proposer guesses to follow; scheduled with the next step.
  virtual void set_draft_tokens(RequestId id, std::span<const int32_t> draft_token_ids) = 0;

  virtual bool has_unfinished_requests() const = 0;
  // Also true while finished ids wait to be told to the runner.
  virtual bool has_work() const = 0;

  // Forgets all cached blocks. With reset_running_requests the running ones are preempted first;
  // otherwise false when blocks are in use.
  [[nodiscard]] virtual bool reset_prefix_cache(bool reset_running_requests) = 0;

  virtual SchedulerStats stats() = 0;
};

}  // namespace quire
