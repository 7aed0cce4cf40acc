#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/scheduler_output.h"
#include "support/scheduler_factory.h"

namespace quire::test {

// A run of the scheduler over a runner without a model. The seed decides everything: options,
// arrivals, aborts, drafts, resets, pauses. So it replays whatever it has brought to light.
struct Simulation {
  uint64_t seed = 0;
  int num_actions = 300;
  // A further invariant of every plan; throws what it finds.
  std::function<void(const SchedulerOutput&)> check;
};

struct SimulationResult {
  SchedulerOptions options;
  std::string schedule;  // every plan, as text
  int num_steps = 0;
  int num_finished = 0;
  int num_stopped = 0;
  int num_continued = 0;  // further inputs that sessions went on with
  int64_t num_overlapped_steps = 0;
  int64_t num_hit_tokens = 0;
  int64_t num_preemptions = 0;
};

// Throws InternalError with the seed and the step's number if an invariant breaks.
SimulationResult simulate(const Simulation& simulation);

}  // namespace quire::test
