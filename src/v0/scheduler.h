#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "config/cache_config.h"
#include "config/kv_cache_spec.h"
#include "config/scheduler_config.h"
#include "core/block_hash.h"
#include "core/request_table.h"
#include "core/scheduler_interface.h"
#include "v0/block_space_manager.h"
#include "v0/partial_prefills.h"
#include "v0/scheduling_budget.h"
#include "v0/sequence_group.h"

namespace quire::v0 {

// V0's scheduler: prompts first and whole, in steps of their own; then decodes. README.md has the
// rules. A step is planned when the one before it has been updated.
class Scheduler final : public SchedulerInterface {
 public:
  // `clock`: seconds, for scheduler_delay_factor.
  Scheduler(
      const SchedulerConfig& config,
      const CacheConfig& cache_config,
      const KVCacheConfig& kv_cache_config,
      std::function<double()> clock = monotonic_time
  );

  void add_request(std::unique_ptr<Request> request) override;
  std::vector<RequestId> finish_requests(std::span<const RequestId> ids, RequestStatus status)
      override;
  const SchedulerOutput& schedule() override;
  void update(const SchedulerOutput& output, ModelRunnerOutput& result, EngineCoreOutputs& outputs)
      override;
  // V0 has no speculation: resolve() refuses it, and drafts are a bug.
  void set_draft_tokens(RequestId id, std::span<const int32_t> draft_token_ids) override;
  void set_ready(RequestId id) override;
  bool has_unfinished_requests() const override;
  std::vector<RequestId> unfinished_request_ids() const override;
  bool has_work() const override;
  void set_pause_state(PauseState state) override { pause_state_ = state; }
  PauseState pause_state() const override { return pause_state_; }
  [[nodiscard]] bool reset_prefix_cache(bool reset_running_requests) override;
  SchedulerStats stats() override;

  using Queue = std::deque<SequenceGroup*>;
  const Queue& waiting() const { return waiting_; }
  const Queue& running() const { return running_; }
  const Queue& swapped() const { return swapped_; }
  const Request* find_request(RequestId id) const;  // nullptr: unknown or finished
  const BlockSpaceManager& block_space_manager() const { return blocks_; }

  // Throws InternalError if requests, queues and blocks disagree. Walks everything.
  void check_integrity() const;

 private:
  // What one schedule() has decided so far, in the order of the passes.
  struct ScheduledGroup {
    SequenceGroup* group;
    int num_tokens;  // of the prompt's chunk, or one per sequence
  };
  struct Step {
    SchedulingBudget budget;
    std::optional<PartialPrefills> partial_prefills;
    std::vector<ScheduledGroup> new_prefills;
    std::vector<ScheduledGroup> running_prefills;
    std::vector<ScheduledGroup> decodes;
    std::vector<ScheduledGroup> swapped_in;
    std::vector<SequenceGroup*> preempted;  // back to waiting_ when the passes are done
    std::vector<SequenceGroup*> swapped_out;
    std::vector<BlockCopy> copies;
    bool has_preempted = false;
  };
  enum class Admission { kAdmitted, kSetAside, kDropped, kStop };

  // Groups (scheduler_groups.cpp).
  std::optional<std::string> reason_to_refuse(const Request& request) const;
  void join_group(Request& request);
  SequenceGroup& create_group(RequestId id);
  void enqueue(SequenceGroup& group);
  void enqueue_front(SequenceGroup& group);  // under kPriority at its own place
  void split(SequenceGroup& group);
  void leave_group(Request& request);
  void finish(Request& request, RequestStatus status);
  // Ends all requests of a group that is in no queue.
  void drop(SequenceGroup& group, RequestStatus status, const std::string& reason);
  void drop_finished();

  // The passes of a step (scheduler_passes.cpp).
  void begin_step();
  void schedule_default();
  void schedule_chunked();
  void schedule_prefills();
  bool has_passed_delay();
  Admission try_admit(SequenceGroup& group);
  void admit(SequenceGroup& group, const CachedPrefix& prefix, int num_tokens);
  int prompt_limit() const;
  int chunk(int num_wanted_tokens) const;
  void preempt_for_waiting();
  void schedule_running();
  bool make_room(const SequenceGroup& group, Queue& later);
  void schedule_swapped();
  void preempt(SequenceGroup& group);
  void preempt_by_swap(SequenceGroup& group);
  void preempt_by_recomputation(SequenceGroup& group);
  void forget_in_runner(Request& request);
  void requeue();

  // The result of a step (scheduler_output.cpp).
  void build_output();
  void append_group(const ScheduledGroup& scheduled, std::vector<SequenceGroup*>& to_fork);
  void append_forks(const SequenceGroup& group);
  void append_request(Request& request, int num_tokens, std::optional<int> fork_of);
  void advance();

  void update_request(
      Request& request,
      const ScheduledRequest& scheduled,
      std::span<const int32_t> sampled,
      EngineCoreOutput& told
  );

  SchedulerConfig config_;
  bool enable_caching_;
  BlockHasher block_hasher_;
  BlockSpaceManager blocks_;
  std::function<double()> clock_;

  RequestTable requests_;
  std::vector<SequenceGroup*> group_of_;  // [request_idx]
  std::vector<bool> is_known_to_runner_;  // [request_idx]
  std::unordered_map<RequestId, std::unique_ptr<SequenceGroup>> groups_;
  Queue waiting_;
  Queue running_;
  Queue swapped_;

  std::vector<RequestId> finished_ids_;  // told by the next schedule()
  std::vector<RequestId> preempted_ids_;  // likewise
  int64_t num_preempted_groups_ = 0;
  int64_t num_preemptions_ = 0;  // of requests
  PauseState pause_state_ = PauseState::kUnpaused;

  double previous_time_ = 0.0;
  double last_prompt_latency_ = 0.0;
  bool previous_was_prompt_ = false;

  Step step_;
  bool is_step_open_ = false;
  SchedulerOutput output_;
};

}  // namespace quire::v0
