// The passes of schedule().
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "core/request_queue.h"
#include "v0/scheduler.h"

namespace quire::v0 {
namespace {

constexpr int kPreemptionsPerWarning = 50;
constexpr const char* kNoSwapSpace =
    "Aborted due to the lack of CPU swap space. Please increase the swap space to avoid this "
    "error.";

}  // namespace

const SchedulerOutput& Scheduler::schedule() {
  QUIRE_CHECK(!is_step_open_, "the step before has not been updated");
  is_step_open_ = true;
  begin_step();
  if (pause_state_ != PauseState::kPausedAll) {
    config_.enable_chunked_prefill ? schedule_chunked() : schedule_default();
  }
  build_output();
  advance();
  requeue();
  drop_finished();
  return output_;
}

void Scheduler::begin_step() {
  step_ = {};
  step_.budget = {config_.max_num_batched_tokens, config_.max_num_seqs};
  step_.partial_prefills.emplace(config_, running_, waiting_);
  for (const SequenceGroup* group : running_)
    step_.budget.add_seqs(group->id, group->num_seqs());
  if (config_.policy == SchedulingPolicy::kPriority) {
    std::ranges::stable_sort(running_, [](const SequenceGroup* a, const SequenceGroup* b) {
      return is_served_before(a->first(), b->first());
    });
  }
  blocks_.begin_step();
}

// Prompts, or decodes, but never both.
void Scheduler::schedule_default() {
  if (swapped_.empty()) schedule_prefills();
  if (!step_.new_prefills.empty()) return;
  if (config_.policy == SchedulingPolicy::kPriority && swapped_.empty()) preempt_for_waiting();
  schedule_running();
  if (!step_.has_preempted) schedule_swapped();
}

void Scheduler::schedule_chunked() {
  schedule_running();
  if (!step_.has_preempted) schedule_swapped();
  schedule_prefills();
}

void Scheduler::schedule_prefills() {
  if (pause_state_ != PauseState::kUnpaused || !has_passed_delay()) return;
  std::vector<SequenceGroup*> set_aside;
  while (!waiting_.empty() && step_.budget.remaining_tokens() > 0) {
    SequenceGroup& group = *waiting_.front();
    const Admission admission = try_admit(group);
    if (admission == Admission::kStop) break;
    if (admission == Admission::kSetAside) set_aside.push_back(&group);
    if (admission != Admission::kDropped) waiting_.pop_front();
  }
  waiting_.insert(waiting_.begin(), set_aside.begin(), set_aside.end());
  previous_was_prompt_ = !step_.new_prefills.empty();
}

// A delay lets prompts gather, so that they interrupt the decodes less often.
bool Scheduler::has_passed_delay() {
  const double now = clock_();
  if (previous_was_prompt_) last_prompt_latency_ = now - previous_time_;
  previous_time_ = now;
  previous_was_prompt_ = false;
  if (config_.scheduler_delay_factor <= 0.0 || waiting_.empty() || running_.empty()) return true;
  const SequenceGroup* earliest = *std::ranges::min_element(
      waiting_, {}, [](const SequenceGroup* group) { return group->arrival_time; }
  );
  return now - earliest->arrival_time > config_.scheduler_delay_factor * last_prompt_latency_;
}

int Scheduler::prompt_limit() const {
  if (config_.enable_chunked_prefill) return config_.max_model_len;
  return std::min(config_.max_model_len, config_.max_num_batched_tokens);
}

Scheduler::Admission Scheduler::try_admit(SequenceGroup& group) {
  if (!group.is_ready() || !step_.partial_prefills->may_schedule(group)) {
    return Admission::kSetAside;
  }
  Request& first = group.first();
  if (first.num_tokens() > prompt_limit()) {
    QUIRE_LOG_WARN(
        "Request {}: its {} tokens exceed the limit of {}; it ends without output.",
        first.id,
        first.num_tokens(),
        prompt_limit()
    );
    drop(group, RequestStatus::kFinishedIgnored, {});
    return Admission::kDropped;
  }
  const AllocStatus status = blocks_.can_allocate(first.num_tokens());
  if (status == AllocStatus::kLater) return Admission::kStop;
  if (status == AllocStatus::kNever) {
    QUIRE_LOG_WARN(
        "Request {}: its {} tokens are too many for the KV cache; it ends without further output.",
        first.id,
        first.num_tokens()
    );
    drop(group, RequestStatus::kFinishedIgnored, {});
    return Admission::kDropped;
  }
  if (enable_caching_) block_hasher_.update_block_hashes(first);
  const CachedPrefix prefix = blocks_.cached_prefix(first);
  const int num_tokens = chunk(first.num_tokens() - prefix.num_tokens);
  if (num_tokens == 0 || !step_.budget.can_schedule(num_tokens, group.num_seqs())) {
    return Admission::kStop;
  }
  admit(group, prefix, num_tokens);
  return Admission::kAdmitted;
}

// A chunk ends with a block where the cache wants whole ones.
int Scheduler::chunk(int num_wanted_tokens) const {
  if (!config_.enable_chunked_prefill) return num_wanted_tokens;
  const int limit =
      std::min(step_.budget.remaining_tokens(), step_.partial_prefills->slot_tokens());
  if (num_wanted_tokens <= limit) return num_wanted_tokens;
  return enable_caching_ ? limit - limit % blocks_.block_size() : limit;
}

void Scheduler::admit(SequenceGroup& group, const CachedPrefix& prefix, int num_tokens) {
  Request& first = group.first();
  blocks_.allocate(first, prefix, step_.copies);
  blocks_.record_prefix_cache_query(first, prefix.num_tokens);
  first.num_computed_tokens = prefix.num_tokens;
  for (Request* request : group.requests) {
    if (request->num_cached_tokens < 0) request->num_cached_tokens = prefix.num_tokens;
    request->status = RequestStatus::kRunning;
    request->events.push_back({RequestEvent::Kind::kScheduled, monotonic_time()});
  }
  step_.budget.add_batched_tokens(group.id, num_tokens);
  step_.budget.add_seqs(group.id, group.num_seqs());
  step_.partial_prefills->count_if_long(group);
  step_.new_prefills.push_back({&group, num_tokens});
}

// Makes way for a waiting group that is served before running ones; it is admitted next time.
void Scheduler::preempt_for_waiting() {
  if (waiting_.empty() || !waiting_.front()->is_ready()) return;
  if (pause_state_ != PauseState::kUnpaused) return;
  const SequenceGroup& next = *waiting_.front();
  const int num_tokens = next.first().num_tokens();
  if (num_tokens > prompt_limit()) return;
  while (!running_.empty() && is_served_before(next.first(), running_.back()->first())) {
    const AllocStatus status = blocks_.can_allocate(num_tokens);
    if (status == AllocStatus::kNever) return;
    const bool has_seats = step_.budget.can_schedule(1, next.num_seqs());
    if (status == AllocStatus::kOk && has_seats) return;
    SequenceGroup& victim = *running_.back();
    running_.pop_back();
    preempt(victim);
  }
}

void Scheduler::schedule_running() {
  Queue queue;
  std::swap(queue, running_);
  while (!queue.empty()) {
    SequenceGroup& group = *queue.front();
    const Request& first = group.first();
    const int num_tokens =
        group.is_prefill ? chunk(first.num_tokens() - first.num_computed_tokens) : group.num_seqs();
    if (num_tokens == 0 || num_tokens > step_.budget.remaining_tokens()) break;
    queue.pop_front();
    if (group.is_prefill) {
      step_.running_prefills.push_back({&group, num_tokens});
    } else {
      if (!make_room(group, queue)) continue;
      blocks_.append_slots(group.requests, step_.copies);
      step_.decodes.push_back({&group, num_tokens});
    }
    step_.budget.add_batched_tokens(group.id, num_tokens);
  }
  running_.insert(running_.end(), queue.begin(), queue.end());
}

// Preempts from the tail of those that are `later`. False: the group itself had to go.
bool Scheduler::make_room(const SequenceGroup& group, Queue& later) {
  while (!blocks_.can_append_slots(group.requests)) {
    if (later.empty()) {
      preempt(*group_of_[group.first().request_idx]);
      return false;
    }
    SequenceGroup& victim = *later.back();
    later.pop_back();
    preempt(victim);
  }
  return true;
}

void Scheduler::schedule_swapped() {
  while (!swapped_.empty()) {
    SequenceGroup& group = *swapped_.front();
    const AllocStatus status = blocks_.can_swap_in(group.requests);
    if (status == AllocStatus::kLater) return;
    if (status == AllocStatus::kNever) {
      QUIRE_LOG_WARN("Group {} has outgrown the KV cache; it ends as it is.", group.id);
      drop(group, RequestStatus::kFinishedIgnored, {});
      continue;
    }
    const int num_seqs = group.num_seqs();
    if (!step_.budget.can_schedule(num_seqs, num_seqs)) return;
    swapped_.pop_front();
    blocks_.swap_in(group.requests, step_.copies);
    blocks_.append_slots(group.requests, step_.copies);
    for (Request* request : group.requests) {
      request->status = RequestStatus::kRunning;
      request->events.push_back({RequestEvent::Kind::kScheduled, monotonic_time()});
    }
    step_.budget.add_batched_tokens(group.id, num_seqs);
    step_.budget.add_seqs(group.id, num_seqs);
    step_.swapped_in.push_back({&group, num_seqs});
  }
}

void Scheduler::preempt(SequenceGroup& group) {
  step_.has_preempted = true;
  step_.budget.subtract_seqs(group.id, group.num_seqs());
  const bool prefers_swap = config_.preemption_mode == PreemptionMode::kAuto
                                ? group.num_seqs() > 1
                                : config_.preemption_mode == PreemptionMode::kSwap;
  // A prompt that is half computed has nothing that is worth the copies.
  const bool by_swap = prefers_swap && !group.is_prefill;
  if (num_preempted_groups_ % kPreemptionsPerWarning == 0) {
    QUIRE_LOG_WARN(
        "Sequence group {} is preempted by {} because the KV cache has no room; this costs speed. "
        "Give the cache more memory (gpu_memory_utilization, kv_cache_memory_bytes). Preempted "
        "groups so far: {}.",
        group.id,
        by_swap ? "swap" : "recomputation",
        num_preempted_groups_ + 1
    );
  }
  ++num_preempted_groups_;
  if (by_swap) {
    preempt_by_swap(group);
  } else {
    preempt_by_recomputation(group);
  }
}

void Scheduler::forget_in_runner(Request& request) {
  const int idx = request.request_idx;
  if (is_known_to_runner_[idx]) preempted_ids_.push_back(request.id);
  is_known_to_runner_[idx] = false;
  request.status = RequestStatus::kPreempted;
  ++num_preemptions_;
  ++request.num_preemptions;
  request.events.push_back({RequestEvent::Kind::kPreempted, monotonic_time()});
}

void Scheduler::preempt_by_swap(SequenceGroup& group) {
  if (!blocks_.can_swap_out(group.requests)) {
    drop(group, RequestStatus::kFinishedError, kNoSwapSpace);
    return;
  }
  for (Request* request : group.requests)
    forget_in_runner(*request);
  blocks_.swap_out(group.requests, step_.copies);
  step_.swapped_out.push_back(&group);
}

void Scheduler::preempt_by_recomputation(SequenceGroup& group) {
  for (Request* request : group.requests) {
    if (request->status != RequestStatus::kPreempted) forget_in_runner(*request);  // not swapped
    blocks_.free(*request);
    request->num_computed_tokens = 0;
  }
  if (!group.is_prefill) split(group);
  group.is_prefill = true;
  step_.preempted.push_back(&group);
}

// Puts the step's groups where they wait for the next one. Decodes keep their places before prompts
// that are half computed, and of these those that end first.
void Scheduler::requeue() {
  const auto append = [this](const std::vector<ScheduledGroup>& groups, bool is_prefill) {
    for (const ScheduledGroup& scheduled : groups) {
      if (scheduled.group->is_prefill == is_prefill) running_.push_back(scheduled.group);
    }
  };
  append(step_.decodes, false);
  append(step_.swapped_in, false);
  for (const bool is_prefill : {false, true}) {
    append(step_.running_prefills, is_prefill);
    append(step_.new_prefills, is_prefill);
  }
  swapped_.insert(swapped_.end(), step_.swapped_out.begin(), step_.swapped_out.end());
  for (SequenceGroup* group : step_.preempted)
    enqueue_front(*group);
}

}  // namespace quire::v0
