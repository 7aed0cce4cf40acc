// How requests come, form groups, and end.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "core/request_queue.h"
#include "v0/scheduler.h"

namespace quire::v0 {

void Scheduler::add_request(std::unique_ptr<Request> request) {
  if (request->is_streaming_update) return;  // of a request that was refused
  QUIRE_CHECK(!request_indices_.contains(request->id), "request id {} is in use", request->id);
  if (std::optional<std::string> reason = reason_to_refuse(*request)) {
    refuse(*request, RequestStatus::kFinishedError, std::move(*reason));
    return;
  }
  if (free_request_indices_.empty()) {
    free_request_indices_.push_back(static_cast<int>(requests_.size()));
    requests_.emplace_back();
    group_of_.push_back(nullptr);
    is_known_to_runner_.push_back(false);
  }
  request->request_idx = free_request_indices_.back();
  free_request_indices_.pop_back();
  request_indices_.emplace(request->id, request->request_idx);
  is_known_to_runner_[request->request_idx] = false;
  request->status = RequestStatus::kWaiting;
  request->events.push_back({RequestEvent::Kind::kQueued, monotonic_time()});
  Request& owned = *request;
  requests_[owned.request_idx] = std::move(request);
  join_group(owned);
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

void Scheduler::refuse(Request& request, RequestStatus status, std::string reason) {
  request.status = status;
  refused_.push_back({
      .request_id = request.id,
      .client_index = request.client_index,
      .num_cached_tokens = std::max(request.num_cached_tokens, 0),
      .num_preemptions = request.num_preemptions,
      .finish_reason = finish_reason_of(status),
      .events = std::move(request.events),
      .error = status == RequestStatus::kFinishedError ? std::move(reason) : std::string(),
  });
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
  std::vector<RequestId> alive;
  for (RequestId id : ids) {
    const auto found = request_indices_.find(id);
    if (found != request_indices_.end()) {
      Request& request = *requests_[found->second];
      if (is_finished(request.status)) continue;  // the same id twice
      finish(request, status);
      alive.push_back(id);
    } else if (std::erase_if(refused_, [id](const auto& told) { return told.request_id == id; })) {
      alive.push_back(id);
    }
  }
  drop_finished();
  return alive;
}

void Scheduler::finish(Request& request, RequestStatus status) {
  if (is_known_to_runner_[request.request_idx]) finished_ids_.push_back(request.id);
  leave_group(request);
  blocks_.free(request);
  request.status = status;
  finished_indices_.push_back(request.request_idx);
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
    refuse(*request, status, reason);
  }
}

void Scheduler::drop_finished() {
  for (int idx : finished_indices_) {
    request_indices_.erase(requests_[idx]->id);
    requests_[idx].reset();
    group_of_[idx] = nullptr;
    free_request_indices_.push_back(idx);
  }
  finished_indices_.clear();
}

}  // namespace quire::v0
