// What update() does with the result of a step.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "core/request_logprobs.h"
#include "core/scheduler.h"
#include "core/stop_check.h"

namespace quire {
void Scheduler::update(
    const SchedulerOutput& output, ModelRunnerOutput& result, EngineCoreOutputs& outputs
) {
  for (int r = 0; r < output.num_reqs(); ++r) {
    Request* request = requests_.find(output.requests[r]);
    if (!request) continue;
    update_request(
        *request,
        output.requests[r],
        result.sampled(r),
        find_rows(result.logprobs, r),
        find_rows(result.prompt_logprobs, r),
        outputs
    );
  }
  requests_.tell_refused(outputs);
  drop_finished();
}

void Scheduler::update_request(
    Request& request,
    const ScheduledRequest& scheduled,
    std::span<const int32_t> sampled,
    RequestLogprobs* logprobs,
    RequestLogprobs* prompt_logprobs,
    EngineCoreOutputs& outputs
) {
  if (request.num_stale_steps > 0) {
    --request.num_stale_steps;
    return;
  }
  const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
  const bool reached_last_token = end >= request.num_tokens();
  QUIRE_CHECK(reached_last_token || sampled.empty(), "request {} is in prefill", request.id);

  EngineCoreOutput told{
      .request_id = request.id,
      .client_index = request.client_index,
      .token_start = static_cast<int>(outputs.token_ids.size()),
      .num_cached_tokens = std::max(request.num_cached_tokens, 0),
      .num_preemptions = request.num_preemptions,
  };
  if (scheduled.num_draft_tokens > 0 && !sampled.empty()) {
    const int num_accepted_tokens = static_cast<int>(sampled.size()) - 1;
    spec_decoding_stats_.observe_draft(scheduled.num_draft_tokens, num_accepted_tokens);
  }
  const auto status = append_tokens(request, sampled, outputs.token_ids);
  told.num_new_tokens = static_cast<int>(outputs.token_ids.size()) - told.token_start;
  if (reached_last_token) settle_computed_tokens(request);
  if (prompt_logprobs) take_prompt_logprobs(request, scheduled, prompt_logprobs->positions, told);
  if (logprobs) {
    told.new_logprobs = std::move(logprobs->positions);
    told.new_logprobs.resize(told.num_new_tokens);
  }
  if (status) {
    told.finish_reason = finish_reason_of(*status);
    told.stop_token_id = request.stop_token_id;
    stop(request, *status);
  }
  if (told.num_new_tokens == 0 && told.new_prompt_logprobs.empty()) return;
  told.events = std::move(request.events);
  outputs.is_awaited |= told.finish_reason.has_value() || request.is_read_step_by_step();
  outputs.outputs.push_back(std::move(told));
  if (request.status == RequestStatus::kPreempted) refuse_if_outgrown(request);
}

// A preempted request got the token that was under way, perhaps one too many to come back.
void Scheduler::refuse_if_outgrown(Request& request) {
  std::optional<std::string> reason = reason_to_refuse(request);
  if (!reason) return;
  finish(request, RequestStatus::kFinishedError);
  requests_.refuse(request, RequestStatus::kFinishedError, std::move(*reason));
}

std::optional<RequestStatus> Scheduler::append_tokens(
    Request& request, std::span<const int32_t> sampled, std::vector<int32_t>& told_token_ids
) {
  for (int32_t token_id : sampled) {
    request.token_ids.push_back(token_id);
    told_token_ids.push_back(token_id);
    const std::optional<RequestStatus> status = check_stop(request, config_.max_model_len);
    if (status) return status;
  }
  return std::nullopt;
}

// Of a step that was to bring a token. Rejected drafts are taken back; so is a last token that
// brought nothing.
void Scheduler::settle_computed_tokens(Request& request) {
  QUIRE_CHECK(request.num_output_placeholders > 0, "request {}", request.id);
  --request.num_output_placeholders;
  const int num_sure_tokens = request.num_tokens() + request.num_output_placeholders;
  request.num_computed_tokens = std::min(request.num_computed_tokens, num_sure_tokens - 1);
  if (!enable_caching_) return;
  block_hasher_.update_block_hashes(request);
  // Its tokens were not known when the slots of a block were allocated.
  if (config_.async_scheduling && request.status == RequestStatus::kRunning) {
    const int num_known = request.num_computed_tokens - request.num_output_placeholders;
    kv_cache_manager_.cache_blocks(request, num_known);
  }
}

}  // namespace quire
