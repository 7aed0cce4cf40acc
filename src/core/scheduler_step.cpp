// The passes of schedule().
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "core/scheduler.h"

namespace quire {

// A feature that limits a request's share of a step is one more line here.
const Scheduler::Clamp Scheduler::kRunningClamps[] = {
    &Scheduler::clamp_to_tokens_under_way,
    &Scheduler::clamp_to_long_prefill_threshold,
    &Scheduler::clamp_to_token_budget,
    &Scheduler::clamp_to_model_length,
};
const Scheduler::Clamp Scheduler::kAdmissionClamps[] = {
    &Scheduler::clamp_to_long_prefill_threshold,
    &Scheduler::clamp_to_whole_prefill,
    &Scheduler::clamp_to_token_budget,
    &Scheduler::clamp_to_partial_prefills,
};
const Scheduler::Filter Scheduler::kAdmissionFilters[] = {
    &Scheduler::is_ready_to_run,
    &Scheduler::is_within_long_prefills,
};

// The steps under way bring all tokens that the request may have.
int Scheduler::clamp_to_tokens_under_way(const Want& want) const {
  const Request& request = want.request;
  const int num_tokens = request.num_tokens() + request.num_output_placeholders;
  const bool is_complete = request.num_output_placeholders > 0 &&
                           num_tokens >= request.max_num_tokens(config_.max_model_len);
  return is_complete ? 0 : want.num_tokens;
}

int Scheduler::clamp_to_long_prefill_threshold(const Want& want) const {
  const int threshold = config_.long_prefill_token_threshold;
  return threshold > 0 ? std::min(want.num_tokens, threshold) : want.num_tokens;
}

int Scheduler::clamp_to_whole_prefill(const Want& want) const {
  if (config_.enable_chunked_prefill) return want.num_tokens;
  return want.num_tokens > step_.token_budget ? 0 : want.num_tokens;
}

int Scheduler::clamp_to_token_budget(const Want& want) const {
  return std::min(want.num_tokens, step_.token_budget);
}

// The last token of a full model is never computed, so drafts may not reach its place either.
int Scheduler::clamp_to_model_length(const Want& want) const {
  return std::min(want.num_tokens, config_.max_model_len - 1 - want.num_computed_tokens);
}

int Scheduler::clamp_to_partial_prefills(const Want& want) const {
  const bool is_limited = config_.max_num_partial_prefills > 1 &&
                          step_.num_partial_prefills >= config_.max_num_partial_prefills;
  const bool is_partial = want.num_computed_tokens + want.num_tokens < want.request.num_tokens();
  return is_limited && is_partial ? 0 : want.num_tokens;
}

int Scheduler::apply(std::span<const Clamp> clamps, Want want) const {
  for (Clamp clamp : clamps)
    want.num_tokens = (this->*clamp)(want);
  return want.num_tokens;
}

bool Scheduler::is_ready_to_run(const Request& request) const {
  return request.is_ready && request.status != RequestStatus::kWaitingForStreamingReq;
}

bool Scheduler::is_within_long_prefills(const Request& request) const {
  return config_.max_num_partial_prefills == 1 ||
         request.num_tokens() <= config_.long_prefill_token_threshold ||
         step_.num_long_partial_prefills < config_.max_long_partial_prefills;
}

bool Scheduler::passes_filters(const Request& request) const {
  return std::ranges::all_of(kAdmissionFilters, [&](Filter filter) {
    return (this->*filter)(request);
  });
}

int Scheduler::token_budget() const {
  return config_.max_num_scheduled_tokens.value_or(config_.max_num_batched_tokens);
}

const SchedulerOutput& Scheduler::schedule() {
  step_.token_budget = pause_state_ == PauseState::kPausedAll ? 0 : token_budget();
  step_.has_preempted = false;
  step_.num_partial_prefills = 0;
  step_.num_long_partial_prefills = 0;
  step_.shares.clear();
  schedule_running();
  // Blocks are short: what was taken from one request must not go to a new one.
  if (!step_.has_preempted && pause_state_ == PauseState::kUnpaused) schedule_waiting();
  build_output();
  advance();
  drop_finished();
  return output_;
}

void Scheduler::schedule_running() {
  for (size_t i = 0; i < running_.size() && step_.token_budget > 0; ++i) {
    Request& request = *running_[i];
    const int num_placeholders = config_.async_scheduling ? request.num_output_placeholders : 0;
    const int num_new_tokens = apply(
        kRunningClamps,
        {request,
         request.num_computed_tokens,
         request.num_tokens_with_drafts() + num_placeholders - request.num_computed_tokens}
    );
    // Its step is still under way; those behind it may have work.
    if (num_new_tokens <= 0) continue;
    if (!allocate_or_preempt(i, num_new_tokens)) break;
    add_share(request, num_new_tokens, /*is_new=*/false);
  }
}

void Scheduler::add_share(Request& request, int num_tokens, bool is_new) {
  step_.shares.push_back({&request, num_tokens, is_new});
  step_.token_budget -= num_tokens;
  if (request.num_computed_tokens + num_tokens >= request.num_tokens()) return;
  ++step_.num_partial_prefills;
  if (request.num_tokens() > config_.long_prefill_token_threshold) {
    ++step_.num_long_partial_prefills;
  }
}

bool Scheduler::allocate_or_preempt(size_t& running_idx, int num_new_tokens) {
  const Request& request = *running_[running_idx];
  while (!kv_cache_manager_.allocate_slots(request, {.num_new_tokens = num_new_tokens})) {
    if (release_idle_session()) continue;
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
    requests_.finish(request);
    requests_.refuse(request, RequestStatus::kFinishedError, std::move(*reason));
  } else {
    waiting_.push_front(request);
  }
}

void Scheduler::schedule_waiting() {
  while (step_.token_budget > 0 && static_cast<int>(running_.size()) < config_.max_num_seqs) {
    Request* request = next_to_admit();
    // Nobody overtakes one that does not fit.
    if (!request || !try_to_admit(*request)) return;
  }
}

Request* Scheduler::next_to_admit() const {
  const auto passes = [this](const Request& request) { return passes_filters(request); };
  Request* skipped = skipped_waiting_.first_where(passes);
  Request* waiting = waiting_.first_where(passes);
  if (!skipped || !waiting) return skipped ? skipped : waiting;
  const bool is_waiting_first =
      config_.policy == SchedulingPolicy::kPriority && is_served_before(*waiting, *skipped);
  return is_waiting_first ? waiting : skipped;
}

bool Scheduler::try_to_admit(Request& request) {
  // It was preempted and its next token is still under way.
  if (request.num_output_placeholders > 0) return false;
  if (enable_caching_) block_hasher_.update_block_hashes(request);
  do {
    // A session that goes on holds its blocks.
    const ComputedBlocks* hits =
        request.num_computed_tokens == 0 ? &kv_cache_manager_.computed_blocks(request) : nullptr;
    const int num_hit_tokens = hits ? hits->num_tokens : 0;
    const int num_computed_tokens = request.num_computed_tokens + num_hit_tokens;
    const int num_wanted_tokens = request.num_tokens() - num_computed_tokens;
    const int num_new_tokens =
        apply(kAdmissionClamps, {request, num_computed_tokens, num_wanted_tokens});
    if (num_new_tokens == 0) return false;
    const bool fits = kv_cache_manager_.allocate_slots(
        request,
        {.num_new_tokens = num_new_tokens,
         .computed_blocks = hits,
         .full_sequence_must_fit = config_.scheduler_reserve_full_isl}
    );
    if (fits) {
      if (hits) kv_cache_manager_.record_prefix_cache_query(request, num_hit_tokens);
      admit(request, num_hit_tokens, num_new_tokens);
      return true;
    }
  } while (release_idle_session());
  return false;
}

void Scheduler::admit(Request& request, int num_hit_tokens, int num_new_tokens) {
  queue_of(request).remove(request);
  request.is_skipped = false;
  // From here on appending tokens and their hashes allocates nothing.
  const size_t max_num_tokens = static_cast<size_t>(request.max_num_tokens(config_.max_model_len));
  request.token_ids.reserve(max_num_tokens);
  if (enable_caching_) {
    request.block_hashes.reserve(max_num_tokens / static_cast<size_t>(block_hasher_.block_size()));
  }
  if (request.num_cached_tokens < 0) request.num_cached_tokens = num_hit_tokens;
  request.num_computed_tokens += num_hit_tokens;
  request.status = RequestStatus::kRunning;
  request.events.push_back({RequestEvent::Kind::kScheduled, monotonic_time()});
  running_.push_back(&request);
  add_share(request, num_new_tokens, /*is_new=*/true);
}

void Scheduler::build_output() {
  output_.clear();
  std::swap(output_.finished_request_ids, finished_ids_);
  std::swap(output_.preempted_request_ids, preempted_ids_);
  output_.new_block_starts.push_back(0);
  for (const Share& share : step_.shares)
    append_to_output(share);
  // Blocks are shared if as many hold them as run; a session that does not run may hold some too.
  kv_cache_manager_.common_prefix_blocks(
      idle_session_with_blocks() ? std::span<Request* const>() : running_,
      output_.num_common_prefix_blocks
  );
  QUIRE_CHECK(step_.token_budget >= 0, "over the token budget by {}", -step_.token_budget);
}

void Scheduler::append_to_output(const Share& share) {
  Request& request = *share.request;
  const int num_sure_tokens = request.num_tokens() + request.num_output_placeholders;
  const int num_draft_tokens =
      std::max(0, request.num_computed_tokens + share.num_tokens - num_sure_tokens);
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
  output_.total_num_scheduled_tokens += share.num_tokens;
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
  for (const Share& share : step_.shares) {
    Request& request = *share.request;
    request.num_computed_tokens += share.num_tokens;
    const int num_sure_tokens = request.num_tokens() + request.num_output_placeholders;
    if (request.num_computed_tokens >= num_sure_tokens) ++request.num_output_placeholders;
  }
}

}  // namespace quire
