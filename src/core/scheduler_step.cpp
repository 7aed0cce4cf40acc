// The passes of schedule().
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "core/scheduler.h"

namespace quire {

// A feature that limits a request's share of a step is one more line here.
const Scheduler::Clamp Scheduler::kRunningClamps[] = {
    &Scheduler::clamp_to_long_prefill_threshold,
    &Scheduler::clamp_to_token_budget,
    &Scheduler::clamp_to_model_length,
};
const Scheduler::Clamp Scheduler::kAdmissionClamps[] = {
    &Scheduler::clamp_to_long_prefill_threshold,
    &Scheduler::clamp_to_whole_prefill,
    &Scheduler::clamp_to_token_budget,
};

int Scheduler::clamp_to_long_prefill_threshold(int, int num_wanted_tokens) const {
  const int threshold = config_.long_prefill_token_threshold;
  return threshold > 0 ? std::min(num_wanted_tokens, threshold) : num_wanted_tokens;
}

int Scheduler::clamp_to_whole_prefill(int, int num_wanted_tokens) const {
  if (config_.enable_chunked_prefill) return num_wanted_tokens;
  return num_wanted_tokens > step_.token_budget ? 0 : num_wanted_tokens;
}

int Scheduler::clamp_to_token_budget(int, int num_wanted_tokens) const {
  return std::min(num_wanted_tokens, step_.token_budget);
}

// The last token of a full model is never computed, so drafts may not reach its place either.
int Scheduler::clamp_to_model_length(int num_computed_tokens, int num_wanted_tokens) const {
  return std::min(num_wanted_tokens, config_.max_model_len - 1 - num_computed_tokens);
}

int Scheduler::apply(std::span<const Clamp> clamps, int num_computed_tokens, int num_wanted_tokens)
    const {
  for (Clamp clamp : clamps) {
    num_wanted_tokens = (this->*clamp)(num_computed_tokens, num_wanted_tokens);
  }
  return num_wanted_tokens;
}

const SchedulerOutput& Scheduler::schedule() {
  step_.token_budget = config_.max_num_batched_tokens;
  step_.has_preempted = false;
  step_.shares.clear();
  schedule_running();
  // Blocks are short: what was taken from one request must not go to a new one.
  if (!step_.has_preempted) schedule_waiting();
  build_output();
  advance();
  drop_finished();
  return output_;
}

void Scheduler::schedule_running() {
  for (size_t i = 0; i < running_.size() && step_.token_budget > 0; ++i) {
    Request& request = *running_[i];
    const int num_new_tokens = apply(
        kRunningClamps,
        request.num_computed_tokens,
        request.num_tokens_with_drafts() - request.num_computed_tokens
    );
    // Its step is still under way; those behind it may have work.
    if (num_new_tokens <= 0) continue;
    if (!allocate_or_preempt(i, num_new_tokens)) break;
    step_.shares.push_back({&request, num_new_tokens, false});
    step_.token_budget -= num_new_tokens;
  }
}

bool Scheduler::allocate_or_preempt(size_t& running_idx, int num_new_tokens) {
  const Request& request = *running_[running_idx];
  while (!kv_cache_manager_.allocate_slots(request, {.num_new_tokens = num_new_tokens})) {
    const size_t victim_idx = preemption_victim();
    step_.has_preempted = true;
    preempt_one(victim_idx);
    if (victim_idx == running_idx) return false;
    if (victim_idx < running_idx) --running_idx;
  }
  return true;
}

size_t Scheduler::preemption_victim() const {
  if (config_.policy == SchedulingPolicy::kFcfs) return running_.size() - 1;
  const auto last = std::ranges::max_element(running_, [](const Request* a, const Request* b) {
    return is_served_before(*a, *b);
  });
  return static_cast<size_t>(last - running_.begin());
}

void Scheduler::preempt_one(size_t running_idx) {
  Request& request = *running_[running_idx];
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(running_idx));
  take_back_share(request);
  preempt(request);
}

// The victim may have got its tokens in this step already; it will not compute them, so what was
// cached for them ahead must not be found.
void Scheduler::take_back_share(Request& request) {
  const auto is_of_request = [&](const Share& share) { return share.request == &request; };
  const auto share = std::ranges::find_if(step_.shares, is_of_request);
  if (share == step_.shares.end()) return;
  step_.token_budget += share->num_tokens;
  step_.shares.erase(share);
  kv_cache_manager_.uncache_uncomputed_blocks(request);
}

void Scheduler::preempt(Request& request) {
  kv_cache_manager_.free(request);
  preempted_ids_.push_back(request.id);
  ++num_preemptions_;
  ++request.num_preemptions;
  request.status = RequestStatus::kPreempted;
  request.num_computed_tokens = 0;
  request.draft_token_ids.clear();
  request.events.push_back({RequestEvent::Kind::kPreempted, monotonic_time()});
  if (std::optional<std::string> reason = reason_to_refuse(request)) {
    finished_indices_.push_back(request.request_idx);
    refuse(request, std::move(*reason));
  } else {
    waiting_.push_front(request);
  }
}

void Scheduler::schedule_waiting() {
  while (!waiting_.empty() && step_.token_budget > 0 &&
         static_cast<int>(running_.size()) < config_.max_num_seqs) {
    Request& request = waiting_.front();
    if (enable_caching_) block_hasher_.update_block_hashes(request);
    const ComputedBlocks& hits = kv_cache_manager_.computed_blocks(request);
    const int num_new_tokens =
        apply(kAdmissionClamps, hits.num_tokens, request.num_tokens() - hits.num_tokens);
    // Nobody overtakes the first one.
    if (num_new_tokens == 0) return;
    const bool fits = kv_cache_manager_.allocate_slots(
        request,
        {.num_new_tokens = num_new_tokens,
         .computed_blocks = &hits,
         .full_sequence_must_fit = config_.scheduler_reserve_full_isl}
    );
    if (!fits) return;
    waiting_.pop_front();
    admit(request, hits.num_tokens, num_new_tokens);
  }
}

void Scheduler::admit(Request& request, int num_hit_tokens, int num_new_tokens) {
  // From here on appending tokens and their hashes allocates nothing.
  const size_t max_num_tokens = static_cast<size_t>(request.max_num_tokens(config_.max_model_len));
  request.token_ids.reserve(max_num_tokens);
  if (enable_caching_) {
    request.block_hashes.reserve(max_num_tokens / static_cast<size_t>(block_hasher_.block_size()));
  }
  kv_cache_manager_.record_prefix_cache_query(request, num_hit_tokens);
  if (request.num_cached_tokens < 0) request.num_cached_tokens = num_hit_tokens;
  request.num_computed_tokens = num_hit_tokens;
  request.status = RequestStatus::kRunning;
  request.events.push_back({RequestEvent::Kind::kScheduled, monotonic_time()});
  running_.push_back(&request);
  step_.shares.push_back({&request, num_new_tokens, true});
  step_.token_budget -= num_new_tokens;
}

void Scheduler::build_output() {
  output_.clear();
  std::swap(output_.finished_request_ids, finished_ids_);
  std::swap(output_.preempted_request_ids, preempted_ids_);
  output_.new_block_starts.push_back(0);
  for (const Share& share : step_.shares)
    append_to_output(share);
  kv_cache_manager_.common_prefix_blocks(running_, output_.num_common_prefix_blocks);
  output_.total_num_scheduled_tokens = config_.max_num_batched_tokens - step_.token_budget;
  QUIRE_CHECK(step_.token_budget >= 0, "over the token budget by {}", -step_.token_budget);
}

void Scheduler::append_to_output(const Share& share) {
  Request& request = *share.request;
  const int num_draft_tokens =
      std::max(0, request.num_computed_tokens + share.num_tokens - request.num_tokens());
  std::optional<int> new_request_idx;
  if (share.is_new) {
    new_request_idx = static_cast<int>(output_.new_requests.size());
    output_.new_requests.push_back(
        {request.id, request.token_ids, request.num_prompt_tokens, request.sampling_params}
    );
  }
  output_.requests.push_back({
      .request_id = request.id,
      .request_idx = request.request_idx,
      .num_computed_tokens = request.num_computed_tokens,
      .num_scheduled_tokens = share.num_tokens,
      .num_draft_tokens = num_draft_tokens,
      .new_request_idx = new_request_idx,
  });
  const auto& drafts = request.draft_token_ids;
  output_.draft_token_ids.insert(
      output_.draft_token_ids.end(), drafts.begin(), drafts.begin() + num_draft_tokens
  );
  request.draft_token_ids.clear();
  for (int group = 0; group < output_.num_groups; ++group) {
    const std::span<const int> ids = share.is_new ? kv_cache_manager_.block_ids(request, group)
                                                  : kv_cache_manager_.new_block_ids(request, group);
    output_.new_block_ids.insert(output_.new_block_ids.end(), ids.begin(), ids.end());
    output_.new_block_starts.push_back(static_cast<int>(output_.new_block_ids.size()));
  }
}

void Scheduler::advance() {
  for (const Share& share : step_.shares)
    share.request->num_computed_tokens += share.num_tokens;
}

}  // namespace quire
