#include "core/request_queue.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace quire {

bool is_served_before(const Request& a, const Request& b) {
  return std::tie(a.priority, a.arrival_time, a.id) < std::tie(b.priority, b.arrival_time, b.id);
}

size_t RequestQueue::size() const {
  return policy_ == SchedulingPolicy::kFcfs ? fcfs_.size() : by_priority_.size();
}

void RequestQueue::push(Request& request) {
  if (policy_ == SchedulingPolicy::kFcfs) {
    keep_place(fcfs_.insert(fcfs_.end(), &request));
  } else {
    by_priority_.insert(&request);
  }
}

void RequestQueue::push_front(Request& request) {
  if (policy_ == SchedulingPolicy::kFcfs) {
    keep_place(fcfs_.insert(fcfs_.begin(), &request));
  } else {
    by_priority_.insert(&request);
  }
}

Request& RequestQueue::front() const {
  QUIRE_CHECK(!empty());
  return policy_ == SchedulingPolicy::kFcfs ? *fcfs_.front() : **by_priority_.begin();
}

Request* RequestQueue::first_where(FunctionRef<bool(const Request&)> accepts) const {
  const auto first_of = [&](const auto& requests) -> Request* {
    const auto found =
        std::ranges::find_if(requests, [&](const Request* request) { return accepts(*request); });
    return found == requests.end() ? nullptr : *found;
  };
  return policy_ == SchedulingPolicy::kFcfs ? first_of(fcfs_) : first_of(by_priority_);
}

void RequestQueue::pop_front() {
  remove(front());
}

void RequestQueue::remove(Request& request) {
  if (policy_ == SchedulingPolicy::kFcfs) {
    fcfs_.erase(places_[request.request_idx]);
  } else {
    QUIRE_CHECK(by_priority_.erase(&request) == 1, "request {} does not wait", request.id);
  }
}

std::vector<const Request*> RequestQueue::in_order() const {
  if (policy_ == SchedulingPolicy::kFcfs) return {fcfs_.begin(), fcfs_.end()};
  return {by_priority_.begin(), by_priority_.end()};
}

void RequestQueue::keep_place(Fcfs::iterator place) {
  const size_t idx = static_cast<size_t>((*place)->request_idx);
  if (idx >= places_.size()) places_.resize(idx + 1);
  places_[idx] = place;
}

}  // namespace quire
