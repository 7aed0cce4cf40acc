#pragma once

#include <cstddef>
#include <list>
#include <set>
#include <vector>

#include "base/function_ref.h"
#include "config/scheduler_config.h"
#include "core/request.h"

namespace quire {

// True if the policy kPriority serves `a` before `b`: lower priority, then arrival, then id.
bool is_served_before(const Request& a, const Request& b);

// Requests that wait to be admitted, in the policy's order. Does not own them. Pushing, popping and
// removing are O(1) for kFcfs and O(log n) for kPriority.
class RequestQueue {
 public:
  explicit RequestQueue(SchedulingPolicy policy) : policy_(policy) {}

  bool empty() const { return size() == 0; }
  size_t size() const;

  void push(Request& request);
  // For a request that was served already: before all others, or with kPriority at its own place.
  void push_front(Request& request);
  Request& front() const;  // must not be empty
  // The first in order for which `accepts` is true; nullptr: none.
  Request* first_where(FunctionRef<bool(const Request&)> accepts) const;
  void pop_front();
  void remove(Request& request);  // must be in the queue

  std::vector<const Request*> in_order() const;

 private:
  struct ServedBefore {
    bool operator()(const Request* a, const Request* b) const { return is_served_before(*a, *b); }
  };
  using Fcfs = std::list<Request*>;
  void keep_place(Fcfs::iterator place);

  SchedulingPolicy policy_;
  Fcfs fcfs_;
  std::vector<Fcfs::iterator> places_;  // [request_idx], for removal
  std::set<Request*, ServedBefore> by_priority_;
};

}  // namespace quire
