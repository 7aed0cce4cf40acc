// How a step is told to the runner.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "v0/scheduler.h"

namespace quire::v0 {

void Scheduler::build_output() {
  output_.clear();
  std::swap(output_.finished_request_ids, finished_ids_);
  std::swap(output_.preempted_request_ids, preempted_ids_);
  std::swap(output_.block_copies, step_.copies);
  output_.new_block_starts.push_back(0);
  output_.num_common_prefix_blocks.push_back(0);
  std::vector<SequenceGroup*> to_fork;
  for (const auto* groups :
       {&step_.new_prefills, &step_.running_prefills, &step_.decodes, &step_.swapped_in}) {
    for (const ScheduledGroup& scheduled : *groups)
      append_group(scheduled, to_fork);
  }
  for (const SequenceGroup* group : to_fork)
    append_forks(*group);
  QUIRE_CHECK(output_.total_num_scheduled_tokens <= config_.max_num_batched_tokens);
}

void Scheduler::append_group(
    const ScheduledGroup& scheduled, std::vector<SequenceGroup*>& to_fork
) {
  SequenceGroup& group = *scheduled.group;
  if (!group.is_prefill) {
    for (Request* request : group.requests)
      append_request(*request, 1, std::nullopt);
    return;
  }
  Request& first = group.first();
  append_request(first, scheduled.num_tokens, std::nullopt);
  if (first.num_computed_tokens + scheduled.num_tokens < first.num_tokens()) return;
  group.is_prefill = false;
  if (group.num_seqs() > 1) to_fork.push_back(&group);
}

void Scheduler::append_forks(const SequenceGroup& group) {
  const auto first =
      std::ranges::find(output_.requests, group.first().id, &ScheduledRequest::request_id);
  const int first_idx = static_cast<int>(first - output_.requests.begin());
  for (Request* request : group.requests) {
    if (request == &group.first()) continue;
    blocks_.fork(group.first(), *request);
    request->num_computed_tokens = request->num_tokens();
    append_request(*request, 0, first_idx);
  }
}

void Scheduler::append_request(Request& request, int num_tokens, std::optional<int> fork_of) {
  std::optional<int> new_request_idx;
  const bool is_new = !is_known_to_runner_[request.request_idx];
  if (is_new) {
    is_known_to_runner_[request.request_idx] = true;
    new_request_idx = static_cast<int>(output_.new_requests.size());
    output_.new_requests.push_back(
        {request.id, request.token_ids, request.num_prompt_tokens, request.sampling_params}
    );
  }
  const std::optional<int> replaced_idx = blocks_.replaced_idx(request);
  if (!is_new && replaced_idx) {
    output_.block_replacements.push_back(
        {.req_idx = output_.num_reqs(),
         .table_idx = *replaced_idx,
         .block_id = blocks_.block_ids(request)[*replaced_idx]}
    );
  }
  const std::span<const int> block_ids =
      is_new ? blocks_.block_ids(request) : blocks_.new_block_ids(request);
  output_.new_block_ids.insert(output_.new_block_ids.end(), block_ids.begin(), block_ids.end());
  output_.new_block_starts.push_back(static_cast<int>(output_.new_block_ids.size()));
  output_.requests.push_back({
      .request_id = request.id,
      .request_idx = request.request_idx,
      .num_computed_tokens = request.num_computed_tokens,
      .num_scheduled_tokens = num_tokens,
      .new_request_idx = new_request_idx,
      .fork_of = fork_of,
  });
  output_.total_num_scheduled_tokens += num_tokens;
  blocks_.clear_changes(request);
}

void Scheduler::advance() {
  for (const ScheduledRequest& scheduled : output_.requests)
    requests_.find(scheduled)->num_computed_tokens += scheduled.num_scheduled_tokens;
}

}  // namespace quire::v0
