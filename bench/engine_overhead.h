#pragma once

#include <vector>

#include "quire/engine_config.h"

namespace quire::bench {

// Microseconds of one step.
struct StepParts {
  double schedule = 0.0;  // with the KV cache's bookkeeping
  double prepare = 0.0;  // batch, block tables, slot mapping; and the null runner's tokens
  double update = 0.0;
  double output = 0.0;  // detokenizing, and what each request keeps for its reader

  double total() const { return schedule + prepare + update + output; }
  StepParts& operator+=(const StepParts& other);
  StepParts operator/(double number) const;
};

struct OverheadWorkload {
  int num_requests = 1;  // that decode
  int num_prompt_tokens = 32;
  int num_steps = 256;  // measured ones
  bool detokenize = true;
};

// The engine without a model, on the calling thread: the mean step of each window of 16 steps.
// `config` must ask for load_format "null". Throws InvalidArgument if the requests cannot all
// decode at once.
std::vector<StepParts> measure_engine_overhead(
    const EngineConfig& config, const OverheadWorkload& workload, int num_rounds
);

}  // namespace quire::bench
