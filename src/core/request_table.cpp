#include "core/request_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace quire {

Request& RequestTable::add(std::unique_ptr<Request> request) {
  QUIRE_CHECK(!indices_.contains(request->id), "request id {} is in use", request->id);
  if (free_indices_.empty()) {
    free_indices_.push_back(static_cast<int>(requests_.size()));
    requests_.emplace_back();
  }
  const int idx = free_indices_.back();
  free_indices_.pop_back();
  request->request_idx = idx;
  indices_.emplace(request->id, idx);
  requests_[idx] = std::move(request);
  return *requests_[idx];
}

Request* RequestTable::find(RequestId id) const {
  const auto found = indices_.find(id);
  return found == indices_.end() ? nullptr : requests_[found->second].get();
}

Request* RequestTable::find(const ScheduledRequest& scheduled) const {
  if (scheduled.request_idx >= static_cast<int>(requests_.size())) return nullptr;
  Request* request = requests_[scheduled.request_idx].get();
  return request && request->id == scheduled.request_id ? request : nullptr;
}

std::vector<RequestId> RequestTable::ids() const {
  std::vector<RequestId> ids;
  for (const auto& [id, request_idx] : indices_)
    ids.push_back(id);
  for (const EngineCoreOutput& told : refused_)
    ids.push_back(told.request_id);
  return ids;
}

void RequestTable::drop_finished() {
  for (const int idx : finished_indices_) {
    indices_.erase(requests_[idx]->id);
    requests_[idx].reset();
    free_indices_.push_back(idx);
  }
  finished_indices_.clear();
}

std::vector<RequestId> RequestTable::finish_requests(
    std::span<const RequestId> ids, FunctionRef<void(Request&)> finish
) {
  std::vector<RequestId> alive;
  for (const RequestId id : ids) {
    if (Request* request = find(id)) {
      if (is_finished(request->status)) continue;  // the same id twice
      finish(*request);
      alive.push_back(id);
    } else if (std::erase_if(refused_, [id](const auto& told) { return told.request_id == id; })) {
      alive.push_back(id);
    }
  }
  return alive;
}

void RequestTable::refuse(Request& request, RequestStatus status, std::string reason) {
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

void RequestTable::tell_refused(EngineCoreOutputs& outputs) {
  outputs.is_awaited |= !refused_.empty();
  std::ranges::move(refused_, std::back_inserter(outputs.outputs));
  refused_.clear();
}

void RequestTable::check_integrity() const {
  QUIRE_CHECK(requests_.size() == indices_.size() + free_indices_.size());
}

}  // namespace quire
