#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "config/kv_cache_spec.h"
#include "core/scheduler_output.h"

namespace quire::test {

// A runner without a model. In place of keys and values it writes into every slot a fingerprint of
// the group, the token and all tokens before it (the groups share one memory, as in the KV cache:
// a block that two of them hold is seen), and before it samples it reads the whole block table
// back: a slot that holds anything else is a scheduling or caching bug. The sampled token depends
// on the fingerprint alone, so that a prompt has one right continuation, however it is scheduled.
// The prompt logprob of position p is its token with the logprob -p. Throws InternalError for this
// and for every broken rule of SchedulerOutput.
class FakeRunner {
 public:
  explicit FakeRunner(const KVCacheConfig& config);

  ModelRunnerOutput execute(const SchedulerOutput& output);

  // The right continuation of a prompt; num_tokens of it.
  static std::vector<int32_t> continuation(std::span<const int32_t> prompt, int num_tokens);

  int num_live_requests() const { return static_cast<int>(requests_.size()); }

 private:
  struct State {
    std::vector<int32_t> token_ids;
    std::vector<std::vector<int>> block_ids;  // [num_groups]
    int num_prompt_logprobs = 0;  // tokens that get one: none, or all of the prompt
  };
  void forget(std::span<const uint64_t> ids);
  State& find(const SchedulerOutput& output, int req_idx);
  void check_fork(const SchedulerOutput& output, int req_idx) const;
  void copy_blocks(const SchedulerOutput& output);
  void replace_blocks(const SchedulerOutput& output);
  void append_blocks(const SchedulerOutput& output, int req_idx, State& state);
  void write(
      const ScheduledRequest& scheduled, std::span<const int32_t> token_ids, const State& state
  );
  // The token ids of every request, drafts included.
  std::vector<std::vector<int32_t>> write_all(const SchedulerOutput& output);
  static void add_prompt_logprobs(
      const SchedulerOutput& output, int req_idx, const State& state, ModelRunnerOutput& result
  );
  // What the queries from first_query on see.
  void read_back(
      int first_query, int num_tokens, std::span<const int32_t> token_ids, const State& state
  ) const;

  size_t num_groups() const { return windows_.size(); }
  size_t slot_of(const State& state, size_t group, int position) const;

  int block_size_;
  std::vector<std::optional<int>> windows_;  // [num_groups]
  std::vector<uint64_t> slots_;  // [num_blocks * block_size], of all groups
  std::vector<uint64_t> host_slots_;  // [num_host_blocks * block_size]
  std::map<uint64_t, State> requests_;
};

}  // namespace quire::test
