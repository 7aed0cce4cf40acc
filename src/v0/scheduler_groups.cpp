// How requests come, form groups, and end.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "core/request_queue.h"
#include "v0/scheduler.h"

namespace quire::v0 {

void Scheduler::add_request(std::unique_ptr<Request> request) {
  if (request->is_streaming_update) return;  // of a request that was refused
  if (std::optional<std::string> reason = reason_to_refuse(*request)) {
    requests_.refuse(*request, RequestStatus::kFinishedError, std::move(*reason));
    return;
  }
  Request& added = requests_.add(std::move(request));
  group_of_.resize(requests_.num_indices());
  is_known_to_runner_.resize(requests_.num_indices());
  is_known_to_runner_[added.request_idx] = false;
  added.status = RequestStatus::kWaiting;
  added.events.push_back({RequestEvent::Kind::kQueued, monotonic_time()});
  join_group(added);
}

// Prompts that are too long for this configuration are dropped when their turn comes.
std::optional<std::string> Scheduler::reason_to_refuse(const Request& request) const {
  if (request.num_tokens() == 0) return "The prompt cannot be empty.";
  if (request.resumable) {
    return "V0 takes no further input for a request that runs. Use V1 (--scheduler v1), or send "
           "the "
           "whole prompt at once.";
  }
  if (request.group_size > config_.max_num_seqs) {
    return fmt::format(
        "n={} completions of one prompt run together under V0, and max_num_seqs is {}. Ask for "
        "fewer, raise max_num_seqs, or use V1.",
        request.group_size,
        config_.max_num_seqs
    );
  }
  return std::nullopt;
}

SequenceGroup& Scheduler::create_group(RequestId id) {
  auto& group = groups_[id];
  QUIRE_CHECK(!group, "group {} is there already", id);
  group = std::make_unique<SequenceGroup>();
  group->id = id;
  group->arrival_time = clock_();
  return *group;
}

void Scheduler::join_group(Request& request) {
  const RequestId group_id = request.group_size > 1 ? request.group_id : request.id;
  const auto found = groups_.find(group_id);
  SequenceGroup& group = found != groups_.end() ? *found->second : create_group(group_id);
  if (group.requests.empty()) group.num_awaited = request.group_size;
  group.requests.push_back(&request);
  group_of_[request.request_idx] = &group;
  QUIRE_CHECK(group.num_awaited > 0, "group {} was complete", group_id);
  if (--group.num_awaited == 0) enqueue(group);
}

void Scheduler::enqueue(SequenceGroup& group) {
  if (config_.policy == SchedulingPolicy::kFcfs) {
    waiting_.push_back(&group);
    return;
  }
  const auto place = std::ranges::upper_bound(
      waiting_,
      &group,
      [](const SequenceGroup* a, const SequenceGroup* b) {
        return is_served_before(a->first(), b->first());
      }
  );
  waiting_.insert(place, &group);
}

void Scheduler::enqueue_front(SequenceGroup& group) {
  if (config_.policy == SchedulingPolicy::kFcfs) {
    waiting_.push_front(&group);
  } else {
    enqueue(group);
  }
}

// Sequences that have gone different ways are computed again one by one, each at its place in line.
void Scheduler::split(SequenceGroup& group) {
  for (size_t i = group.requests.size(); i-- > 1;) {
    Request& request = *group.requests[i];
    SequenceGroup& own = create_group(request.id);
    own.arrival_time = group.arrival_time;
    own.requests.push_back(&request);
    group_of_[request.request_idx] = &own;
    step_.preempted.push_back(&own);
  }
  group.requests.resize(1);
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
  if (is_known_to_runner_[request.request_idx]) finished_ids_.push_back(request.id);
  leave_group(request);
  blocks_.free(request);
  request.status = status;
  requests_.finish(request);
}

void Scheduler::leave_group(Request& request) {
  SequenceGroup& group = *group_of_[request.request_idx];
  const bool was_first = &request == group.requests.front();
  std::erase(group.requests, &request);
  if (group.requests.empty()) {
    for (Queue* queue : {&waiting_, &running_, &swapped_})
      std::erase(*queue, &group);
    groups_.erase(group.id);
  } else if (was_first && group.is_prefill && !blocks_.block_ids(request).empty()) {
    // The next one goes on with what is computed of the prompt.
    blocks_.fork(request, group.first());
    group.first().num_computed_tokens = request.num_computed_tokens;
  }
}

void Scheduler::drop(SequenceGroup& group, RequestStatus status, const std::string& reason) {
  const std::vector<Request*> requests = group.requests;
  for (Request* request : requests) {
    finish(*request, status);
    requests_.refuse(*request, status, reason);
  }
}

void Scheduler::drop_finished() {
  for (const int idx : requests_.finished_indices())
    group_of_[idx] = nullptr;
  requests_.drop_finished();
}

}  // namespace quire::v0
