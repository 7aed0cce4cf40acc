#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/scheduler_interface.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"
#include "v0/scheduler.h"

// Short ways to a V0 scheduler and its requests, with the sizes of vLLM's tests of it.
namespace quire::test {

struct V0Options {
  int max_num_seqs = 16;
  int max_num_batched_tokens = 64;
  int max_model_len = 64;
  bool enable_chunked_prefill = false;
  int max_num_partial_prefills = 1;
  int max_long_partial_prefills = 1;
  int long_prefill_token_threshold = 0;
  SchedulingPolicy policy = SchedulingPolicy::kFcfs;
  PreemptionMode preemption_mode = PreemptionMode::kAuto;
  double scheduler_delay_factor = 0.0;
  bool enable_prefix_caching = false;
  int block_size = 4;
  int num_blocks = 64;  // without the null block
  int num_host_blocks = 0;
  std::function<double()> clock = [] { return 0.0; };
};

SchedulerConfig v0_config(const V0Options& options);
CacheConfig v0_cache_config(const V0Options& options);
KVCacheConfig v0_kv_cache_config(const V0Options& options);
v0::Scheduler create_v0(const V0Options& options = {});

// n requests of one prompt, with consecutive ids from options.id on.
std::vector<std::unique_ptr<Request>> create_completions(int n, RequestOptions options);
void add(SchedulerInterface& scheduler, RequestOptions options, int n = 1);
void abort(SchedulerInterface& scheduler, RequestId id);

std::vector<RequestId> ids_of(const v0::Scheduler::Queue& queue);

// A step with a runner that gives every request that is due the token `token_id`.
struct V0Step {
  SchedulerOutput output;
  EngineCoreOutputs outputs;
};
V0Step run_step(v0::Scheduler& scheduler, int32_t token_id = 7);

// An engine's loop over any scheduler, with clients that know the one right continuation of their
// prompts. Throws InternalError as soon as something is wrong.
class ContractEngine {
 public:
  ContractEngine(
      std::unique_ptr<SchedulerInterface> scheduler,
      const KVCacheConfig& kv_cache_config,
      int max_num_batched_tokens
  );

  // Under the next ids; returns the first.
  RequestId add(RequestOptions options, int n = 1);
  void abort(RequestId id);
  void step(std::optional<RequestId> aborted_id = std::nullopt);
  void run_to_the_end();

  SchedulerInterface& scheduler() { return *scheduler_; }
  RequestId next_id() const { return next_id_; }
  const std::vector<int32_t>& output_of(RequestId id) const { return finished_.at(id); }
  const SchedulerOutput& last_step() const { return last_step_; }
  int num_finished() const { return static_cast<int>(finished_.size()); }
  int num_cut_short() const { return num_cut_short_; }  // by the size of the cache
  int num_failed() const { return num_failed_; }
  int64_t num_swaps() const { return num_swaps_; }
  int64_t num_copies_on_write() const { return num_copies_on_write_; }
  int64_t num_hit_tokens() const { return num_hit_tokens_; }

 private:
  struct Client {
    std::vector<int32_t> prompt;
    std::vector<int32_t> output;
    int max_tokens = 0;
  };
  void count(const SchedulerOutput& output);
  void take(const EngineCoreOutput& told);

  std::unique_ptr<SchedulerInterface> scheduler_;
  FakeRunner runner_;
  int max_num_batched_tokens_;
  std::map<RequestId, Client> clients_;
  std::map<RequestId, std::vector<int32_t>> finished_;
  EngineCoreOutputs outputs_;
  SchedulerOutput last_step_;
  RequestId next_id_ = 0;
  int num_cut_short_ = 0;
  int num_failed_ = 0;
  int64_t num_swaps_ = 0;
  int64_t num_copies_on_write_ = 0;
  int64_t num_hit_tokens_ = 0;
};

}  // namespace quire::test
