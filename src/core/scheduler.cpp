#include "core/scheduler.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"

namespace quire {

Scheduler::Scheduler(
    const SchedulerConfig& config,
    const CacheConfig& cache_config,
    const KVCacheConfig& kv_cache_config
)
    : config_(config),
      enable_caching_(cache_config.enable_prefix_caching),
      cache_size_option_(cache_config.size_option),
      block_hasher_(cache_config),
      kv_cache_manager_(
          kv_cache_config, cache_config, config.max_model_len, config.max_num_batched_tokens
      ),
      waiting_(config.policy),
      skipped_waiting_(config.policy) {
  QUIRE_CHECK(config.max_num_seqs >= 1 && config.max_model_len >= 1);
  QUIRE_CHECK(token_budget() >= 1 && token_budget() <= config.max_num_batched_tokens);
  QUIRE_CHECK(
      config.max_num_batched_tokens >= config.max_num_seqs,
      "{} < {}",
      config.max_num_batched_tokens,
      config.max_num_seqs
  );
  QUIRE_CHECK(
      config.enable_chunked_prefill || token_budget() >= config.max_model_len,
      "{} < {}: a prompt may not fit a step",
      token_budget(),
      config.max_model_len
  );
  const size_t num_reqs = static_cast<size_t>(config.max_num_seqs);
  const size_t num_groups = kv_cache_config.groups.size();
  running_.reserve(num_reqs);
  step_.shares.reserve(num_reqs);
  output_.requests.reserve(num_reqs);
  output_.new_block_ids.reserve(num_reqs * num_groups);
  output_.new_block_starts.reserve(num_reqs * num_groups + 1);
  output_.num_common_prefix_blocks.reserve(num_groups);
  output_.num_groups = static_cast<int>(num_groups);
}

void Scheduler::add_request(std::unique_ptr<Request> request) {
  if (request->is_streaming_update) {
    if (Request* session = requests_.find(request->id)) add_streaming_update(*session, *request);
    return;
  }
  if (std::optional<std::string> reason = reason_to_refuse(*request)) {
    requests_.refuse(*request, RequestStatus::kFinishedError, std::move(*reason));
    return;
  }
  Request& added = requests_.add(std::move(request));
  added.status = RequestStatus::kWaiting;
  added.events.push_back({RequestEvent::Kind::kQueued, monotonic_time()});
  added.is_skipped = !added.is_ready;
  queue_of(added).push(added);
}

RequestQueue& Scheduler::queue_of(const Request& request) {
  return request.is_skipped ? skipped_waiting_ : waiting_;
}

void Scheduler::set_ready(RequestId id) {
  if (Request* request = requests_.find(id)) request->is_ready = true;
}

std::optional<std::string> Scheduler::reason_to_refuse(const Request& request) const {
  const int num_tokens = request.num_tokens();
  if (num_tokens == 0) return "The prompt cannot be empty.";
  if (num_tokens >= config_.max_model_len) {
    return fmt::format(
        "The prompt has {} tokens, which leaves no room for output within max_model_len {}. "
        "Shorten "
        "the prompt or raise max_model_len.",
        num_tokens,
        config_.max_model_len
    );
  }
  if (!kv_cache_manager_.can_ever_fit(num_tokens)) {
    int longest = 0;  // fits; too_long does not
    for (int too_long = num_tokens; too_long - longest > 1;) {
      const int middle = longest + (too_long - longest) / 2;
      (kv_cache_manager_.can_ever_fit(middle) ? longest : too_long) = middle;
    }
    return fmt::format(
        "The request has {} tokens, and the whole KV cache holds at most {} of one request. "
        "Shorten it or make the KV cache larger ({}).",
        num_tokens,
        longest,
        cache_size_option_
    );
  }
  return std::nullopt;
}

std::vector<RequestId> Scheduler::finish_requests(
    std::span<const RequestId> ids, RequestStatus status
) {
  QUIRE_CHECK(is_finished(status));
  const std::vector<RequestId> alive =
      requests_.finish_requests(ids, [&](Request& request) { finish(request, status); });
  drop_finished();
  return alive;
}

void Scheduler::finish(Request& request, RequestStatus status) {
  if (request.status == RequestStatus::kRunning) {
    finished_ids_.push_back(request.id);
  } else {
    queue_of(request).remove(request);
  }
  kv_cache_manager_.free(request);
  request.status = status;
  requests_.finish(request);
}

void Scheduler::drop_finished() {
  if (requests_.finished_indices().empty()) return;
  std::erase_if(running_, [](const Request* request) { return is_finished(request->status); });
  requests_.drop_finished();
}

void Scheduler::set_draft_tokens(RequestId id, std::span<const int32_t> draft_token_ids) {
  Request* request = requests_.find(id);
  if (!request || request->status != RequestStatus::kRunning) return;
  if (request->num_computed_tokens < request->num_tokens() - 1) return;  // of its prompt
  // They were guessed from fewer tokens than the request will have.
  if (request->num_output_placeholders > 0) return;
  request->draft_token_ids.assign(draft_token_ids.begin(), draft_token_ids.end());
}

bool Scheduler::has_unfinished_requests() const {
  return requests_.size() > 0 || requests_.has_refused();
}

std::vector<RequestId> Scheduler::unfinished_request_ids() const {
  return requests_.ids();
}

bool Scheduler::has_work() const {
  if (requests_.has_refused() || !finished_ids_.empty() || !preempted_ids_.empty()) return true;
  switch (pause_state_) {
    case PauseState::kPausedAll:
      return false;
    case PauseState::kPausedNew:
      return !running_.empty();
    case PauseState::kUnpaused:
      break;
  }
  const auto is_ready = [this](const Request& request) { return is_ready_to_run(request); };
  return !running_.empty() || !waiting_.empty() || skipped_waiting_.first_where(is_ready);
}

bool Scheduler::reset_prefix_cache(bool reset_running_requests) {
  if (reset_running_requests) {
    // From the last to the first, so that they wait in the order in which they ran.
    while (!running_.empty())
      preempt_one(running_.size() - 1);
    drop_finished();
    while (release_idle_session()) {
    }
  }
  return kv_cache_manager_.reset_prefix_cache();
}

SchedulerStats Scheduler::stats() {
  const BlockPool& pool = kv_cache_manager_.pool();
  return {
      .num_running_reqs = static_cast<int>(running_.size()),
      .num_waiting_reqs = static_cast<int>(waiting_.size()),
      .num_skipped_waiting_reqs = static_cast<int>(skipped_waiting_.size()),
      .kv_cache_usage = pool.usage(),
      .num_used_blocks = pool.num_used_blocks(),
      .num_preemptions = num_preemptions_,
      .prefix_cache = kv_cache_manager_.take_prefix_cache_stats(),
      .spec_decoding = std::exchange(spec_decoding_stats_, {}),
      .kv_cache_evictions = kv_cache_manager_.take_evictions(),
  };
}

const Request* Scheduler::find_request(RequestId id) const {
  return requests_.find(id);
}

void Scheduler::check_integrity() const {
  kv_cache_manager_.check_integrity();
  QUIRE_CHECK(
      running_.size() + waiting_.size() + skipped_waiting_.size() == requests_.size(),
      "{} running, {} and {} waiting, {} known",
      running_.size(),
      waiting_.size(),
      skipped_waiting_.size(),
      requests_.size()
  );
  requests_.check_integrity();
  QUIRE_CHECK(static_cast<int>(running_.size()) <= config_.max_num_seqs);
  for (const Request* request : running_)
    check_running(*request);
  for (const Request* request : waiting()) {
    QUIRE_CHECK(!request->is_skipped, "request {}", request->id);
    check_waiting(*request);
  }
  for (const Request* request : skipped_waiting()) {
    QUIRE_CHECK(request->is_skipped, "request {}", request->id);
    check_waiting(*request);
  }
}

void Scheduler::check_running(const Request& request) const {
  const int num_slots = static_cast<int>(kv_cache_manager_.block_ids(request, 0).size()) *
                        kv_cache_manager_.block_size(0);
  QUIRE_CHECK(request.status == RequestStatus::kRunning, "request {}", request.id);
  QUIRE_CHECK(find_request(request.id) == &request, "request {}", request.id);
  QUIRE_CHECK(request.num_computed_tokens <= num_slots, "request {}", request.id);
}

void Scheduler::check_waiting(const Request& request) const {
  QUIRE_CHECK(
      !is_finished(request.status) && request.status != RequestStatus::kRunning,
      "request {}",
      request.id
  );
  QUIRE_CHECK(find_request(request.id) == &request, "request {}", request.id);
  // Only a session keeps what it has computed while it waits.
  const bool holds_blocks = !kv_cache_manager_.block_ids(request, 0).empty();
  QUIRE_CHECK(holds_blocks == (request.num_computed_tokens > 0), "request {}", request.id);
  QUIRE_CHECK(!holds_blocks || request.is_skipped, "request {}", request.id);
}

}  // namespace quire
