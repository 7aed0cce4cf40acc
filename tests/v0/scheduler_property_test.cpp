// Whatever is added, aborted and reset in whatever order: the invariants hold in every step, every
// request gets the right continuation of its prompt, and the cache is whole at the end.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "v0/make_v0.h"
#include "v0/v0_harness.h"

namespace quire::test {
namespace {

// Over the whole range at once; rapidcheck would begin with small values.
int in_range(int min, int max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(min, max));
}

V0Options random_options() {
  V0Options options;
  options.enable_chunked_prefill = *rc::gen::arbitrary<bool>();
  options.max_num_seqs = in_range(3, 9);
  options.max_model_len = options.enable_chunked_prefill ? 200 : 64;
  if (options.enable_chunked_prefill && *rc::gen::arbitrary<bool>()) {
    options.max_num_partial_prefills = 3;
    options.max_long_partial_prefills = in_range(1, 4);
    options.long_prefill_token_threshold = 10;
  }
  options.policy = *rc::gen::element(SchedulingPolicy::kFcfs, SchedulingPolicy::kPriority);
  options.preemption_mode =
      *rc::gen::element(PreemptionMode::kAuto, PreemptionMode::kRecompute, PreemptionMode::kSwap);
  options.enable_prefix_caching = *rc::gen::arbitrary<bool>();
  options.num_blocks = in_range(10, 30);
  options.num_host_blocks = *rc::gen::element(0, 4, 100);
  return options;
}

// Prompts from few tokens and few lengths, so that many share a beginning.
void add_at_random(ContractEngine& engine, double time) {
  const RequestOptions options{
      .prompt = token_range(in_range(0, 3), in_range(1, 40)),
      .max_tokens = in_range(1, 12),
      .priority = in_range(0, 3),
      .arrival_time = time,
  };
  engine.add(options, *rc::gen::element(1, 1, 1, 2, 3));
}

class PropertyRun {
 public:
  PropertyRun()
      : options_(random_options()),
        engine_(
            make_v0_scheduler(
                v0_config(options_), v0_cache_config(options_), v0_kv_cache_config(options_)
            ),
            v0_kv_cache_config(options_),
            options_.max_num_batched_tokens
        ),
        scheduler_(dynamic_cast<const v0::Scheduler&>(engine_.scheduler())) {}

  void act_at_random(double time) {
    const int action = in_range(0, 20);
    const auto any_id =
        static_cast<RequestId>(in_range(0, static_cast<int>(engine_.next_id()) + 1));
    if (action < 6) {
      add_at_random(engine_, time);
    } else if (action < 8) {
      engine_.abort(any_id);
    } else if (action < 9) {
      const bool reset_running_requests = in_range(0, 4) == 0;
      const bool is_reset = engine_.scheduler().reset_prefix_cache(reset_running_requests);
      RC_ASSERT(is_reset || !reset_running_requests);
    } else if (action < 11) {
      engine_.step(/*aborted_id=*/any_id);
    } else {
      engine_.step();
    }
    scheduler_.check_integrity();
  }

  ContractEngine& engine() { return engine_; }

 private:
  V0Options options_;
  ContractEngine engine_;
  const v0::Scheduler& scheduler_;
};

TEST(V0SchedulerPropertyTest, EveryRequestGetsItsContinuation) {
  int num_runs_with_hits = 0;
  int num_runs_with_swaps = 0;
  int num_runs_with_copies = 0;
  int num_runs_with_preemptions = 0;
  const bool holds = rc::check("every request gets its continuation", [&] {
    PropertyRun run;
    const int num_actions = in_range(1, 200);
    for (int i = 0; i < num_actions; ++i)
      run.act_at_random(i);
    run.engine().run_to_the_end();
    RC_ASSERT(run.engine().scheduler().reset_prefix_cache(false));
    num_runs_with_hits += run.engine().num_hit_tokens() > 0;
    num_runs_with_swaps += run.engine().num_swaps() > 0;
    num_runs_with_copies += run.engine().num_copies_on_write() > 0;
    num_runs_with_preemptions += run.engine().scheduler().stats().num_preemptions > 0;
  });
  EXPECT_TRUE(holds);
  EXPECT_GT(num_runs_with_hits, 10);
  EXPECT_GT(num_runs_with_swaps, 5);
  EXPECT_GT(num_runs_with_copies, 10);
  EXPECT_GT(num_runs_with_preemptions, 10);
}

}  // namespace
}  // namespace quire::test
