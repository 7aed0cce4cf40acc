#pragma once

#include <memory>
#include <vector>

#include "bench/request_recorder.h"
#include "bench/step_recorder.h"
#include "bench/workload.h"
#include "quire/async_engine.h"

namespace quire::bench {

// One pass of a workload through an engine.
struct PassResult {
  double start = 0.0;  // monotonic seconds
  double elapsed = 0.0;  // from the first arrival to the last token
  std::vector<RequestRecord> requests;  // [num_requests]
  std::vector<int> num_prompt_tokens;  // [num_requests]
  std::vector<StepRecord> steps;
  EngineStats before;
  EngineStats after;
};

// An engine that is watched while it serves workloads. Its cache is emptied before each.
class MeasuredEngine {
 public:
  // Throws as load_engine(), and InvalidArgument for a model with sliding windows, whose blocks
  // cannot be counted.
  explicit MeasuredEngine(const EngineConfig& config);
  ~MeasuredEngine();

  // Throws InvalidArgument for requests that the engine refuses or ends early, InternalError when
  // it dies.
  PassResult run(const Workload& workload);

  int64_t kv_bytes_per_token() const { return kv_bytes_per_token_; }

 private:
  class Pass;

  RequestRecorder request_recorder_;
  StepRecorder step_recorder_;
  int64_t kv_bytes_per_token_ = 0;
  int64_t next_id_ = 0;
  std::unique_ptr<AsyncEngine> engine_;  // the last member: it uses the recorders
};

}  // namespace quire::bench
