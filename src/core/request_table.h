#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/function_ref.h"
#include "core/request.h"
#include "core/scheduler_interface.h"

namespace quire {

// The requests of a scheduler, by id and by request_idx, and those that it refused and has not told
// of yet.
class RequestTable {
 public:
  // Gives the request its request_idx. The id must be new.
  Request& add(std::unique_ptr<Request> request);

  Request* find(RequestId id) const;  // nullptr: unknown or dropped
  // nullptr: dropped since. Its index may belong to another request by now.
  Request* find(const ScheduledRequest& scheduled) const;

  size_t size() const { return indices_.size(); }
  size_t num_indices() const { return requests_.size(); }  // that were ever given
  std::vector<RequestId> ids() const;  // those of refused ones too

  // The request lives on until drop_finished(), which frees its index.
  void finish(const Request& request) { finished_indices_.push_back(request.request_idx); }
  std::span<const int> finished_indices() const { return finished_indices_; }
  void drop_finished();

  // Calls finish(request) for all that live, forgets refused ones, and returns the ids of both.
  std::vector<RequestId> finish_requests(
      std::span<const RequestId> ids, FunctionRef<void(Request&)> finish
  );

  // A request of this status is told of once, with the reason if the status is an error.
  void refuse(Request& request, RequestStatus status, std::string reason);
  bool has_refused() const { return !refused_.empty(); }
  void tell_refused(EngineCoreOutputs& outputs);

  void check_integrity() const;

 private:
  std::vector<std::unique_ptr<Request>> requests_;  // [request_idx], nullptr: free
  std::vector<int> free_indices_;
  std::unordered_map<RequestId, int> indices_;
  std::vector<int> finished_indices_;
  std::vector<EngineCoreOutput> refused_;
};

}  // namespace quire
