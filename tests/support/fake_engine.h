#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/scheduler.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"

namespace quire::test {

// The engine's loop over a scheduler and a FakeRunner, with its clients. With async_scheduling a
// step is planned before the one before it is told to the scheduler. Throws InternalError if an
// invariant breaks in any step, or if a request gets another output than the one right continuation
// of its prompt, or prompt logprobs that are not one per token and in order.
class FakeEngine {
 public:
  explicit FakeEngine(const SchedulerOptions& options);

  void add(RequestOptions options);  // under the next id
  void abort(RequestId id);
  void set_ready(RequestId id);
  // Further input of a session, if it takes any: the last without `resumable`, just the end without
  // `input`.
  void extend(RequestId id, std::vector<int32_t> input, bool resumable);
  // Drafts for the request: right ones, but for the one at wrong_idx.
  void propose(RequestId id, int num_drafts, int wrong_idx = -1);
  // `aborted_id`: a request that is aborted while the runner works.
  void step(std::optional<RequestId> aborted_id = std::nullopt);
  // Brings what requests wait for and steps until there is no work; then nothing may be held by
  // anybody.
  void run_to_the_end();
  // Called with every plan.
  void on_schedule(std::function<void(const SchedulerOutput&)> watcher);

  Scheduler& scheduler() { return scheduler_; }
  RequestId next_id() const { return next_id_; }
  int num_finished() const { return num_finished_; }  // at their full length or a stop token
  int num_failed() const { return num_failed_; }
  int num_stopped() const { return num_stopped_; }  // at a stop token
  int num_continued() const { return num_continued_; }  // further inputs that sessions went on with
  int64_t num_overlapped_steps() const { return num_overlapped_steps_; }
  int64_t num_hit_tokens() const { return num_hit_tokens_; }
  int64_t num_prompt_logprobs() const { return num_prompt_logprobs_; }  // told, of all requests

 private:
  struct Input {
    std::vector<int32_t> token_ids;
    bool resumable = false;
  };
  struct Client {
    std::vector<int32_t> prompt;
    std::vector<int32_t> output;
    RequestOptions options;
    int max_tokens = 0;
    bool resumable = false;
    bool is_parked = false;  // all its output is told, and more input may come
    std::deque<Input> inputs;  // not reached yet
    bool wants_prompt_logprobs = false;
    int num_prompt_logprobs = 0;
  };
  struct Step {
    SchedulerOutput output;
    ModelRunnerOutput result;
  };
  void start_step();
  void finish_step();
  void end_sessions();
  void take(const EngineCoreOutput& told);
  void take_end(const EngineCoreOutput& told, Client& client);
  void go_on(RequestId id, Client& client);
  void take_prompt_logprobs(const EngineCoreOutput& told, Client& client);

  int max_num_batched_tokens_;
  int max_model_len_;
  size_t num_steps_ahead_;  // that stay under way
  std::deque<Step> steps_;  // under way
  std::function<void(const SchedulerOutput&)> watcher_;
  Scheduler scheduler_;
  FakeRunner runner_;
  EngineCoreOutputs outputs_;
  std::map<RequestId, Client> clients_;
  RequestId next_id_ = 0;
  int num_finished_ = 0;
  int num_failed_ = 0;
  int num_stopped_ = 0;
  int num_continued_ = 0;
  int64_t num_overlapped_steps_ = 0;
  int64_t num_hit_tokens_ = 0;
  int64_t num_prompt_logprobs_ = 0;
};

}  // namespace quire::test
