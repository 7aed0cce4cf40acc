#pragma once

#include <memory>
#include <vector>

#include "bench/engine_overhead.h"
#include "engine/load_engine.h"
#include "engine/output_processor.h"

namespace quire::bench {

// AsyncEngine's parts on the caller's thread: a step is taken and its outputs are processed at
// once.
class SingleThreadEngine {
 public:
  // Throws as load_engine(), and InvalidArgument for async_scheduling, which needs more threads.
  explicit SingleThreadEngine(const EngineConfig& config);
  ~SingleThreadEngine() { core_.reset(); }  // before the kernels that it may use

  void add_request(std::vector<int32_t> token_ids, const SamplingParams& params);
  StepParts step();  // and what it took
  int num_new_tokens() const { return static_cast<int>(outputs_.token_ids.size()); }  // of the step
  bool has_ended_request() const;  // in the step
  void abort_all();

  int max_model_len() const { return loaded_.max_model_len; }
  int vocab_size() const { return loaded_.model.vocab_size; }
  const EngineCore& core() const { return *core_; }

 private:
  class ClockedExecutor;
  struct Clock {  // monotonic seconds, of the last step
    double execute_start = 0.0;
    double sample_end = 0.0;
  };

  EngineHooks hooks();

  Clock clock_;
  std::unique_ptr<EngineCore> core_;
  LoadedEngine loaded_;
  InputProcessor input_;
  OutputProcessor output_;
  std::vector<std::shared_ptr<RequestState>> requests_;
  EngineCoreOutputs outputs_;
  std::vector<RequestId> to_abort_;
};

}  // namespace quire::bench
