#include "v0/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace quire::v0 {
namespace {

BlockSpaceConfig block_space_config(const CacheConfig& cache, const KVCacheConfig& kv_cache) {
  return {
      .block_size = cache.block_size,
      .num_device_blocks = kv_cache.num_blocks - 1,
      .num_host_blocks = kv_cache.num_host_blocks,
      .enable_caching = cache.enable_prefix_caching,
  };
}

}  // namespace

Scheduler::Scheduler(
    const SchedulerConfig& config,
    const CacheConfig& cache_config,
    const KVCacheConfig& kv_cache_config,
    std::function<double()> clock
)
    : config_(config),
      enable_caching_(cache_config.enable_prefix_caching),
      block_hasher_(cache_config),
      blocks_(block_space_config(cache_config, kv_cache_config)),
      clock_(std::move(clock)) {
  QUIRE_CHECK(kv_cache_config.groups.size() == 1, "{} groups", kv_cache_config.groups.size());
  QUIRE_CHECK(kv_cache_config.num_blocks >= 2 && config.max_num_seqs >= 1);
  QUIRE_CHECK(config.max_num_partial_prefills >= 1 && config.max_long_partial_prefills >= 1);
  output_.num_groups = 1;
}

void Scheduler::set_draft_tokens(RequestId id, std::span<const int32_t> draft_token_ids) {
  QUIRE_CHECK(draft_token_ids.empty(), "drafts for request {}", id);
}

void Scheduler::set_ready(RequestId id) {
  if (Request* request = requests_.find(id)) request->is_ready = true;
}

bool Scheduler::has_unfinished_requests() const {
  return requests_.size() > 0 || requests_.has_refused();
}

std::vector<RequestId> Scheduler::unfinished_request_ids() const {
  return requests_.ids();
}

bool Scheduler::has_work() const {
  if (requests_.has_refused() || !finished_ids_.empty() || !preempted_ids_.empty()) return true;
  if (pause_state_ == PauseState::kPausedAll) return false;
  if (!running_.empty() || !swapped_.empty()) return true;
  return pause_state_ == PauseState::kUnpaused &&
         std::ranges::any_of(waiting_, [](const SequenceGroup* group) {
           return group->is_ready();
         });
}

bool Scheduler::reset_prefix_cache(bool reset_running_requests) {
  if (reset_running_requests) {
    step_ = {};
    // Keys and values on the host are as outdated as those on the device. Who is at a front stays
    // before the others of its queue, and who runs before who is swapped out.
    for (Queue* queue : {&swapped_, &running_}) {
      for (; !queue->empty(); queue->pop_back())
        preempt_by_recomputation(*queue->back());
    }
    requeue();
  }
  return blocks_.reset_prefix_cache();
}

SchedulerStats Scheduler::stats() {
  const auto num_requests = [](const Queue& queue) {
    int num = 0;
    for (const SequenceGroup* group : queue)
      num += group->num_seqs();
    return num;
  };
  const int num_running = num_requests(running_);
  const int num_swapped = num_requests(swapped_);
  return {
      .num_running_reqs = num_running,
      .num_waiting_reqs = static_cast<int>(requests_.size()) - num_running - num_swapped,
      .kv_cache_usage = blocks_.device().usage(),
      .num_used_blocks = blocks_.device().num_used_blocks(),
      .num_preemptions = num_preemptions_,
      .prefix_cache = blocks_.take_prefix_cache_stats(),
      .scheduler = SchedulerKind::kV0,
      .num_swapped_reqs = num_swapped,
      .host_cache_usage = blocks_.host().usage(),
  };
}

const Request* Scheduler::find_request(RequestId id) const {
  return requests_.find(id);
}

void Scheduler::check_integrity() const {
  blocks_.check_integrity();
  size_t num_requests = 0;
  for (const auto& [id, group] : groups_) {
    const bool is_queued = std::ranges::count(waiting_, group.get()) +
                               std::ranges::count(running_, group.get()) +
                               std::ranges::count(swapped_, group.get()) ==
                           1;
    QUIRE_CHECK(is_queued == (group->num_awaited == 0), "group {}", id);
    QUIRE_CHECK(!group->requests.empty(), "group {} is empty", id);
    num_requests += group->requests.size();
    for (const Request* request : group->requests) {
      QUIRE_CHECK(find_request(request->id) == request, "request {}", request->id);
      QUIRE_CHECK(group_of_[request->request_idx] == group.get(), "request {}", request->id);
    }
  }
  requests_.check_integrity();
  QUIRE_CHECK(num_requests == requests_.size());
  QUIRE_CHECK(groups_.size() >= waiting_.size() + running_.size() + swapped_.size());
  int num_running = 0;
  for (const SequenceGroup* group : running_) {
    num_running += group->num_seqs();
    for (const Request* request : group->requests) {
      const bool has_forked = !group->is_prefill || request == group->requests.front();
      const int num_slots =
          static_cast<int>(blocks_.block_ids(*request).size()) * blocks_.block_size();
      QUIRE_CHECK(request->status == RequestStatus::kRunning, "request {}", request->id);
      QUIRE_CHECK(
          !has_forked || request->num_computed_tokens <= num_slots, "request {}", request->id
      );
    }
  }
  QUIRE_CHECK(num_running <= config_.max_num_seqs, "{} run", num_running);
  for (const SequenceGroup* group : waiting_) {
    for (const Request* request : group->requests)
      QUIRE_CHECK(blocks_.block_ids(*request).empty(), "request {}", request->id);
  }
}

}  // namespace quire::v0
