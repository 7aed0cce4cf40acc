#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/executor.h"

namespace quire::bench {

// One step as the executor saw it. Times are monotonic seconds.
struct StepRecord {
  double start = 0.0;
  double end = 0.0;
  // What the engine took between the last step's end and this one's start; none if it may have
  // slept in between, because nobody ran.
  std::optional<double> overhead;
  int num_reqs = 0;
  int num_prefill_tokens = 0;  // of requests that had no output yet
  int num_decode_tokens = 0;
  int num_used_blocks = 0;  // shared ones counted once
  int64_t num_slots = 0;  // in the blocks that the live requests hold
  int64_t num_empty_slots = 0;  // of those, without a token after the step
  // The same for an allocator that reserves max_model_len in one piece for each live request, and
  // for one that knows prompt and max_tokens of each.
  int64_t num_contiguous_slots = 0;
  int64_t num_contiguous_empty_slots = 0;
  int64_t num_known_length_slots = 0;
  int64_t num_known_length_empty_slots = 0;
};

// Watches the steps of an engine whose KV cache has one group. The thread that runs the steps
// writes; another one may take the records at any time, also within a step.
class StepRecorder {
 public:
  // Before the first step: it is known only after the executor was made.
  void set_cache(int block_size, int max_model_len);

  void begin_step(const SchedulerOutput& output, double now);
  void end_step(double now);  // of the step that was begun

  // Of the steps that had tokens and have ended; one under way comes with the next call.
  std::vector<StepRecord> take_records();

 private:
  struct LiveRequest {
    std::vector<int> block_ids;
    int num_prompt_tokens = 0;
    int num_computed_tokens = 0;
    int max_num_tokens = 0;  // of prompt and output
  };

  void release(uint64_t id);
  void take(int block_id);
  void drop(int block_id);
  void note_request(const SchedulerOutput& output, int req_idx, StepRecord& record);
  void note_memory(StepRecord& record) const;

  std::mutex mutex_;  // guards all below
  int block_size_ = 0;
  int max_model_len_ = 0;
  std::optional<StepRecord> under_way_;
  std::vector<StepRecord> records_;  // of ended steps
  std::unordered_map<uint64_t, LiveRequest> live_;
  std::vector<int> ref_counts_;  // [block id]
  int num_used_blocks_ = 0;
  double last_end_ = 0.0;
};

// Passes steps on and shows them to the recorder, which must outlive it.
class RecordedExecutor final : public Executor {
 public:
  RecordedExecutor(std::unique_ptr<Executor> executor, StepRecorder& recorder)
      : executor_(std::move(executor)), recorder_(recorder) {}
  void execute_model(const SchedulerOutput& output) override;
  ModelRunnerOutput& sample_tokens() override;
  void sleep() override { executor_->sleep(); }
  void wake_up() override { executor_->wake_up(); }

 private:
  std::unique_ptr<Executor> executor_;
  StepRecorder& recorder_;
};

}  // namespace quire::bench
