#pragma once

#include <algorithm>
#include <vector>

#include "core/request.h"

namespace quire::v0 {

// The completions of one prompt. The first request computes the prompt; the others fork from it in
// the step that reaches its end. V0 queues, preempts and swaps groups.
struct SequenceGroup {
  RequestId id = 0;
  std::vector<Request*> requests;  // the living ones, in the order in which they came
  int num_awaited = 0;  // completions that have not come yet; until then the group is not queued
  double arrival_time = 0.0;  // on the scheduler's clock
  bool is_prefill = true;  // tokens are left to compute before it decodes

  Request& first() const { return *requests.front(); }
  bool is_ready() const {
    return std::ranges::all_of(requests, [](const Request* request) { return request->is_ready; });
  }
  int num_seqs() const { return static_cast<int>(requests.size()); }
};

}  // namespace quire::v0
