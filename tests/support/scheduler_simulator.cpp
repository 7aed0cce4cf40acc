#include "support/scheduler_simulator.h"

#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "quire/error.h"
#include "support/fake_engine.h"

namespace quire::test {
namespace {

class Simulator {
 public:
  explicit Simulator(const Simulation& simulation)
      : simulation_(simulation), random_(simulation.seed), options_(random_options()) {}

  SimulationResult run() {
    FakeEngine engine(options_);
    engine.on_schedule([&](const SchedulerOutput& output) {
      take(output);
      check_nobody_starves(engine.scheduler(), output);
    });
    try {
      for (int i = 0; i < simulation_.num_actions; ++i)
        act(engine, i);
      engine.run_to_the_end();
    } catch (const std::exception& error) {
      QUIRE_CHECK(
          false,
          "seed {}, step {}: {}\n{}",
          simulation_.seed,
          result_.num_steps,
          error.what(),
          last_plan_
      );
    }
    result_.options = options_;
    result_.num_finished = engine.num_finished();
    result_.num_stopped = engine.num_stopped();
    result_.num_continued = engine.num_continued();
    result_.num_overlapped_steps = engine.num_overlapped_steps();
    result_.num_hit_tokens = engine.num_hit_tokens();
    result_.num_preemptions = engine.scheduler().stats().num_preemptions;
    return std::move(result_);
  }

 private:
  // The same on every machine, unlike the distributions of the standard library.
  int random(int min, int max) {
    return min + static_cast<int>(random_() % static_cast<uint64_t>(max - min + 1));
  }
  bool one_in(int n) { return random(1, n) == 1; }

  SchedulerOptions random_options() {
    const bool enable_chunked_prefill = !one_in(4);
    return {
        .max_num_seqs = random(1, 8),
        .max_num_batched_tokens = 64,
        .max_num_scheduled_tokens =
            one_in(4) && enable_chunked_prefill ? std::optional(40) : std::nullopt,
        .max_model_len = enable_chunked_prefill ? 200 : 64,
        .enable_chunked_prefill = enable_chunked_prefill,
        .long_prefill_token_threshold = one_in(3) ? 10 : 0,
        .max_num_partial_prefills = one_in(4) && enable_chunked_prefill ? 2 : 1,
        .policy = one_in(2) ? SchedulingPolicy::kPriority : SchedulingPolicy::kFcfs,
        .scheduler_reserve_full_isl = one_in(2),
        .enable_prefix_caching = !one_in(3),
        .async_scheduling = one_in(2),
        .prefix_caching_hash_algo = PrefixCachingHashAlgo::kXxhash,
        .block_size = 4,
        .num_blocks = random(12, 30),
    };
  }

  RequestOptions random_request(int time) {
    return {
        .prompt = token_range(random(0, 3), random(1, 35)),
        .max_tokens = random(1, 12),
        .stop_token_ids = token_range(0, one_in(3) ? 100 : 0),
        .priority = random(0, 3),
        .arrival_time = static_cast<double>(time),
        .is_ready = !one_in(8),
        .resumable = one_in(8),
    };
  }

  void act(FakeEngine& engine, int time) {
    const auto any_id = static_cast<RequestId>(random(0, static_cast<int>(engine.next_id()) + 1));
    const int action = random(0, 29);
    if (action < 9) {
      engine.add(random_request(time));
    } else if (action == 9) {
      engine.abort(any_id);
    } else if (action < 13) {
      engine.propose(any_id, one_in(2) ? 1 : 5, random(-1, 4));
    } else if (action < 15) {
      engine.set_ready(any_id);
    } else if (action < 17) {
      engine.extend(any_id, token_range(random(0, 3), random(0, 8)), !one_in(3));
    } else if (action == 17) {
      (void)engine.scheduler().reset_prefix_cache(one_in(3));
    } else if (action == 18) {
      constexpr PauseState kStates[] = {
          PauseState::kUnpaused, PauseState::kPausedNew, PauseState::kPausedAll};
      engine.scheduler().set_pause_state(kStates[random(0, 2)]);
    } else if (action < 21) {
      engine.scheduler().set_pause_state(PauseState::kUnpaused);
    } else {
      engine.step(one_in(10) ? std::optional(any_id) : std::nullopt);
    }
    engine.scheduler().check_integrity();
  }

  // The request that was admitted first gets on in every step.
  void check_nobody_starves(const Scheduler& scheduler, const SchedulerOutput& output) const {
    const bool is_fcfs = options_.policy == SchedulingPolicy::kFcfs;
    const bool is_paused = scheduler.pause_state() == PauseState::kPausedAll;
    if (!is_fcfs || options_.async_scheduling || is_paused || scheduler.running().empty()) return;
    const RequestId oldest = scheduler.running().front()->id;
    QUIRE_CHECK(output.num_reqs() > 0 && output.requests[0].request_id == oldest, "{}", oldest);
  }

  void take(const SchedulerOutput& output) {
    last_plan_ = output.to_string() + fmt::format("  drafts {}\n", output.draft_token_ids);
    result_.schedule += last_plan_;
    if (simulation_.check) simulation_.check(output);
    ++result_.num_steps;
  }

  const Simulation& simulation_;
  std::mt19937_64 random_;
  SchedulerOptions options_;
  SimulationResult result_;
  std::string last_plan_;
};

}  // namespace

SimulationResult simulate(const Simulation& simulation) {
  return Simulator(simulation).run();
}

}  // namespace quire::test
