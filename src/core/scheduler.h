#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/cache_config.h"
#include "config/kv_cache_spec.h"
#include "config/scheduler_config.h"
#include "core/block_hash.h"
#include "core/kv_cache_manager.h"
#include "core/request_queue.h"
#include "core/request_table.h"
#include "core/scheduler_interface.h"

namespace quire {

// V1's scheduler. Every request has tokens it knows and tokens it has computed; a step hands out a
// token budget until the first catch up with the second. Prefill, decode, chunked prefill, cache
// hits and drafts are all that one rule.
class Scheduler final : public SchedulerInterface {
 public:
  Scheduler(
      const SchedulerConfig& config,
      const CacheConfig& cache_config,
      const KVCacheConfig& kv_cache_config
  );

  void add_request(std::unique_ptr<Request> request) override;
  std::vector<RequestId> finish_requests(std::span<const RequestId> ids, RequestStatus status)
      override;
  const SchedulerOutput& schedule() override;
  void update(const SchedulerOutput& output, ModelRunnerOutput& result, EngineCoreOutputs& outputs)
      override;
  void set_draft_tokens(RequestId id, std::span<const int32_t> draft_token_ids) override;
  void set_ready(RequestId id) override;
  bool has_unfinished_requests() const override;
  std::vector<RequestId> unfinished_request_ids() const override;
  bool has_work() const override;
  void set_pause_state(PauseState state) override { pause_state_ = state; }
  PauseState pause_state() const override { return pause_state_; }
  [[nodiscard]] bool reset_prefix_cache(bool reset_running_requests) override;
  SchedulerStats stats() override;

  // A living request; nullptr: unknown or finished.
  const Request* find_request(RequestId id) const;
  std::span<const Request* const> running() const { return running_; }  // in the order of admission
  std::vector<const Request*> waiting() const { return waiting_.in_order(); }
  // Those that were not ready when they came, and parked sessions. Served before waiting() as soon
  // as they can be, with kPriority in one order with them.
  std::vector<const Request*> skipped_waiting() const { return skipped_waiting_.in_order(); }
  const KVCacheManager& kv_cache_manager() const { return kv_cache_manager_; }

  // Throws InternalError if requests, queues and blocks disagree. Walks everything.
  void check_integrity() const;

 private:
  // What one schedule() has decided so far.
  struct Share {
    Request* request;
    int num_tokens;
    bool is_new;  // the runner does not hold it
  };
  struct Step {
    int token_budget = 0;
    bool has_preempted = false;
    // Prompts that this step leaves half computed; of these, long ones.
    int num_partial_prefills = 0;
    int num_long_partial_prefills = 0;
    std::vector<Share> shares;  // batch order
  };

  // What a clamp looks at.
  struct Want {
    const Request& request;
    int num_computed_tokens;  // before the step, with cache hits
    int num_tokens;  // to be scheduled
  };
  // Tokens to schedule, at most those wanted.
  using Clamp = int (Scheduler::*)(const Want& want) const;
  int clamp_to_tokens_under_way(const Want& want) const;
  int clamp_to_long_prefill_threshold(const Want& want) const;
  int clamp_to_whole_prefill(const Want& want) const;
  int clamp_to_token_budget(const Want& want) const;
  int clamp_to_model_length(const Want& want) const;
  int clamp_to_partial_prefills(const Want& want) const;
  static const Clamp kRunningClamps[];
  static const Clamp kAdmissionClamps[];
  int apply(std::span<const Clamp> clamps, Want want) const;

  // Whether a waiting request takes part in the coming admissions; others let those behind pass.
  using Filter = bool (Scheduler::*)(const Request& request) const;
  bool is_ready_to_run(const Request& request) const;
  bool is_within_long_prefills(const Request& request) const;
  static const Filter kAdmissionFilters[];
  bool passes_filters(const Request& request) const;

  // The passes of a step.
  void schedule_running();
  void schedule_waiting();
  void build_output();
  void advance();
  int token_budget() const;  // of a whole step

  // False: the request itself was preempted. `running_idx` is its place and follows it when a
  // request before it is preempted.
  bool allocate_or_preempt(size_t& running_idx, int num_new_tokens);
  size_t preemption_victim() const;  // index into running_
  void preempt_one(size_t running_idx);
  void take_back_share(Request& request);
  void preempt(Request& request);  // must have been taken out of running_
  Request* next_to_admit() const;  // nullptr: none can be
  bool try_to_admit(Request& request);  // false: it does not fit, or not yet
  void admit(Request& request, int num_hit_tokens, int num_new_tokens);
  void add_share(Request& request, int num_tokens, bool is_new);
  void append_to_output(const Share& share);

  // Resumable requests.
  void add_streaming_update(Request& session, Request& update);
  void park(Request& session);
  void go_on(Request& session, StreamingUpdate update);
  Request* idle_session_with_blocks() const;  // nullptr: none
  // Takes the blocks of a session that is not running; they can be computed again. False: none has
  // any.
  bool release_idle_session();

  RequestQueue& queue_of(const Request& request);
  // Appends up to the first token that stops the request, whose status it returns.
  std::optional<RequestStatus> append_tokens(
      Request& request, std::span<const int32_t> sampled, std::vector<int32_t>& told_token_ids
  );
  void settle_computed_tokens(Request& request);
  void stop(Request& request, RequestStatus status);
  void update_request(
      Request& request,
      const ScheduledRequest& scheduled,
      std::span<const int32_t> sampled,
      RequestLogprobs* logprobs,
      RequestLogprobs* prompt_logprobs,
      EngineCoreOutputs& outputs
  );

  // Frees everything but the Request itself; drop_finished() ends its life.
  void finish(Request& request, RequestStatus status);
  void drop_finished();
  void check_running(const Request& request) const;
  void check_waiting(const Request& request) const;
  std::optional<std::string> reason_to_refuse(const Request& request) const;
  void refuse_if_outgrown(Request& request);

  SchedulerConfig config_;
  bool enable_caching_;
  std::string_view cache_size_option_;  // what a user would raise
  BlockHasher block_hasher_;
  KVCacheManager kv_cache_manager_;

  RequestTable requests_;
  RequestQueue waiting_;
  RequestQueue skipped_waiting_;
  std::vector<Request*> running_;

  std::vector<RequestId> finished_ids_;  // told by the next schedule()
  std::vector<RequestId> preempted_ids_;  // likewise
  int64_t num_preemptions_ = 0;
  SpecDecodingStats spec_decoding_stats_;
  PauseState pause_state_ = PauseState::kUnpaused;

  Step step_;
  SchedulerOutput output_;
};

}  // namespace quire
