// What update() does with the result of a step.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "core/request_logprobs.h"
#include "core/stop_check.h"
#include "v0/scheduler.h"

namespace quire::v0 {
void Scheduler::update(
    const SchedulerOutput& output, ModelRunnerOutput& result, EngineCoreOutputs& outputs
) {
  is_step_open_ = false;
  for (int r = 0; r < output.num_reqs(); ++r) {
    const ScheduledRequest& scheduled = output.requests[r];
    Request* request = requests_.find(scheduled);
    if (!request) continue;
    EngineCoreOutput told{
        .request_id = request->id,
        .client_index = request->client_index,
        .token_start = static_cast<int>(outputs.token_ids.size()),
        .num_cached_tokens = std::max(request->num_cached_tokens, 0),
        .num_preemptions = request->num_preemptions,
    };
    update_request(*request, scheduled, result.sampled(r), told);
    const auto new_ids = std::span(request->token_ids).last(told.num_new_tokens);
    outputs.token_ids.insert(outputs.token_ids.end(), new_ids.begin(), new_ids.end());
    if (RequestLogprobs* rows = find_rows(result.logprobs, r)) {
      told.new_logprobs = std::move(rows->positions);
      told.new_logprobs.resize(told.num_new_tokens);
    }
    if (RequestLogprobs* rows = find_rows(result.prompt_logprobs, r)) {
      take_prompt_logprobs(*request, scheduled, rows->positions, told);
    }
    if (told.num_new_tokens == 0 && told.new_prompt_logprobs.empty()) continue;
    told.events = std::move(request->events);
    outputs.is_awaited |= told.finish_reason.has_value() || request->is_read_step_by_step();
    outputs.outputs.push_back(std::move(told));
  }
  requests_.tell_refused(outputs);
  drop_finished();
}

void Scheduler::update_request(
    Request& request,
    const ScheduledRequest& scheduled,
    std::span<const int32_t> sampled,
    EngineCoreOutput& told
) {
  const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
  const bool reached_last_token = end >= request.num_tokens();
  QUIRE_CHECK(reached_last_token || sampled.empty(), "request {} is in prefill", request.id);
  if (enable_caching_) block_hasher_.update_block_hashes(request);
  blocks_.mark_computed(request);
  for (int32_t token_id : sampled) {
    request.token_ids.push_back(token_id);
    ++told.num_new_tokens;
    const std::optional<RequestStatus> status = check_stop(request, config_.max_model_len);
    if (!status) continue;
    told.finish_reason = finish_reason_of(*status);
    told.stop_token_id = request.stop_token_id;
    finish(request, *status);
    return;
  }
  // A last token that brought nothing is computed again.
  request.num_computed_tokens = std::min(request.num_computed_tokens, request.num_tokens() - 1);
}

}  // namespace quire::v0
