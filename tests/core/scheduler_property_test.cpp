// Whatever is added, aborted and reset in whatever order: the invariants hold in every step, and
// every request gets the one right continuation of its prompt.
#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/scheduler.h"
#include "support/fake_engine.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

// Over the whole range at once; rapidcheck would begin with small values.
int in_range(int min, int max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(min, max));
}

// Of the KV cache groups.
const std::vector<std::vector<std::optional<int>>> kWindows = {
    {std::nullopt}, {std::nullopt}, {6}, {std::nullopt, std::nullopt}, {std::nullopt, 9, 1}};

SchedulerOptions random_options() {
  const bool enable_chunked_prefill = *rc::gen::arbitrary<bool>();
  return {
      .max_num_seqs = in_range(1, 9),
      .max_num_batched_tokens = 64,
      .max_model_len = enable_chunked_prefill ? 200 : 64,
      .enable_chunked_prefill = enable_chunked_prefill,
      .long_prefill_token_threshold = *rc::gen::element(0, 0, 10),
      .policy = *rc::gen::element(SchedulingPolicy::kFcfs, SchedulingPolicy::kPriority),
      .scheduler_reserve_full_isl = *rc::gen::arbitrary<bool>(),
      .enable_prefix_caching = *rc::gen::element(true, true, false),
      .async_scheduling = *rc::gen::arbitrary<bool>(),
      .prefix_caching_hash_algo = PrefixCachingHashAlgo::kXxhash,
      .block_size = 4,
      .num_blocks = in_range(10, 30),
      .windows = *rc::gen::elementOf(kWindows),
  };
}

// Prompts from few tokens and few lengths, so that many share a beginning.
RequestOptions random_request(double arrival_time) {
  const int first = in_range(0, 3);
  const bool resumable = in_range(0, 6) == 0;
  const auto prompt_logprobs = *rc::gen::element<std::optional<int>>(std::nullopt, std::nullopt, 1);
  return {
      .prompt = token_range(first, in_range(1, 40)),
      .max_tokens = in_range(1, 12),
      .prompt_logprobs = resumable ? std::nullopt : prompt_logprobs,
      .priority = in_range(0, 3),
      .arrival_time = arrival_time,
      .cache_salt = *rc::gen::element<std::string>("", "", "salt"),
      .is_ready = in_range(0, 8) > 0,
      .resumable = resumable,
  };
}

void act_at_random(FakeEngine& engine, double time) {
  const int action = in_range(0, 25);
  const RequestId any_id =
      static_cast<RequestId>(in_range(0, static_cast<int>(engine.next_id()) + 1));
  if (action < 6) {
    engine.add(random_request(time));
  } else if (action < 7) {
    engine.abort(any_id);
  } else if (action < 10) {
    engine.propose(any_id, in_range(0, 5), /*wrong_idx=*/in_range(-1, 5));
  } else if (action < 11) {
    const bool reset_running_requests = in_range(0, 4) == 0;
    const bool is_reset = engine.scheduler().reset_prefix_cache(reset_running_requests);
    RC_ASSERT(is_reset || !reset_running_requests);
  } else if (action < 13) {
    engine.step(/*aborted_id=*/any_id);
  } else if (action < 14) {
    engine.set_ready(any_id);
  } else if (action < 16) {
    engine.extend(any_id, token_range(in_range(0, 3), in_range(0, 9)), in_range(0, 3) > 0);
  } else if (action < 18) {
    engine.scheduler().set_pause_state(*rc::gen::element(
        PauseState::kUnpaused, PauseState::kUnpaused, PauseState::kPausedNew, PauseState::kPausedAll
    ));
  } else {
    engine.step();
  }
  engine.scheduler().check_integrity();
}

TEST(SchedulerPropertyTest, EveryRequestGetsItsContinuation) {
  int num_runs_with_hits = 0;
  int num_runs_with_preemptions = 0;
  int num_runs_with_prompt_logprobs = 0;
  int num_runs_with_continued_sessions = 0;
  int num_runs_with_overlapped_steps = 0;
  const bool holds = rc::check("every request gets its continuation", [&] {
    FakeEngine engine(random_options());
    const int num_actions = in_range(1, 200);
    for (int i = 0; i < num_actions; ++i)
      act_at_random(engine, i);
    engine.run_to_the_end();
    RC_ASSERT(engine.scheduler().reset_prefix_cache(false));
    num_runs_with_hits += engine.num_hit_tokens() > 0;
    num_runs_with_preemptions += engine.scheduler().stats().num_preemptions > 0;
    num_runs_with_prompt_logprobs += engine.num_prompt_logprobs() > 0;
    num_runs_with_continued_sessions += engine.num_continued() > 0;
    num_runs_with_overlapped_steps += engine.num_overlapped_steps() > 0;
  });
  EXPECT_TRUE(holds);
  EXPECT_GT(num_runs_with_hits, 10);
  EXPECT_GT(num_runs_with_preemptions, 10);
  EXPECT_GT(num_runs_with_prompt_logprobs, 10);
  EXPECT_GT(num_runs_with_continued_sessions, 10);
  EXPECT_GT(num_runs_with_overlapped_steps, 10);
}

// The pool against a plain list of tables.
RC_GTEST_PROP(BlockPoolPropertyTest, BlocksAreHeldAsOftenAsTheyWereTaken, ()) {
  const int num_blocks = in_range(2, 30);
  BlockPool pool(num_blocks, true);
  std::vector<std::vector<int>> tables;
  std::vector<BlockHash> hashes(6);
  for (size_t i = 0; i < hashes.size(); ++i)
    hashes[i].bytes[31] = static_cast<uint8_t>(i);
  const int num_actions = in_range(1, 100);
  for (int i = 0; i < num_actions; ++i) {
    const int action = in_range(0, 4);
    if (action == 0) {
      const int n = in_range(0, pool.num_free_blocks() + 1);
      pool.get_new_blocks(n, tables.emplace_back());
      // Some of a new table's content is known; several tables share it.
      const int num_full = std::min(n, in_range(0, 6));
      pool.cache_full_blocks(tables.back(), {hashes}, 0, num_full, in_range(0, 2));
    } else if (action == 1) {
      const std::optional<int> hit =
          pool.cached_block(hashes[static_cast<size_t>(in_range(0, 6))], 0);
      if (hit) {
        tables.push_back({*hit});
        pool.touch(tables.back());
      }
    } else if (!tables.empty()) {
      const auto table = tables.begin() + in_range(0, static_cast<int>(tables.size()));
      pool.free_blocks(*table);
      tables.erase(table);
    }
    pool.check_integrity();
    std::vector<int> ref_counts(num_blocks);
    for (const std::vector<int>& table : tables) {
      for (int id : table)
        ++ref_counts[id];
    }
    for (int id = 1; id < num_blocks; ++id)
      RC_ASSERT(pool.block(id).ref_count == ref_counts[id]);
  }
}

}  // namespace
}  // namespace quire::test
