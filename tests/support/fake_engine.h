#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/scheduler.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"

namespace quire::test {

// The engine's loop over a scheduler and a FakeRunner, with its clients. Throws InternalError if an
// invariant breaks in any step, or if a request gets another output than the one right continuation
// of its prompt.
class FakeEngine {
 public:
  explicit FakeEngine(const SchedulerOptions& options);

  void add(RequestOptions options);  // under the next id
  void abort(RequestId id);
  // Drafts for the request: right ones, but for the one at wrong_idx.
  void propose(RequestId id, int num_drafts, int wrong_idx = -1);
  // `aborted_id`: a request that is aborted while the runner works.
  void step(std::optional<RequestId> aborted_id = std::nullopt);
  // Steps until there is no work; then nothing may be held by anybody.
  void run_to_the_end();

  Scheduler& scheduler() { return scheduler_; }
  RequestId next_id() const { return next_id_; }
  int num_finished() const { return num_finished_; }  // at their full length
  int num_failed() const { return num_failed_; }
  int64_t num_hit_tokens() const { return num_hit_tokens_; }

 private:
  struct Client {
    std::vector<int32_t> prompt;
    std::vector<int32_t> output;
    int max_tokens = 0;
  };
  void take(const EngineCoreOutput& told);

  int max_num_batched_tokens_;
  Scheduler scheduler_;
  FakeRunner runner_;
  EngineCoreOutputs outputs_;
  std::map<RequestId, Client> clients_;
  RequestId next_id_ = 0;
  int num_finished_ = 0;
  int num_failed_ = 0;
  int64_t num_hit_tokens_ = 0;
};

}  // namespace quire::test
