// Whatever is added, aborted and reset in whatever order: the invariants hold in every step, and
// every request gets the one right continuation of its prompt.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/scheduler.h"
#include "support/fake_runner.h"
#include "support/scheduler_factory.h"

namespace quire::test {
namespace {

// Over the whole range at once; rapidcheck would begin with small values.
int in_range(int min, int max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(min, max));
}

// The engine's loop, with its client's view of every request.
class Engine {
 public:
  explicit Engine(const SchedulerOptions& options)
      : scheduler_(create_scheduler(options)), runner_(make_kv_cache_config(options)) {}

  void add(RequestOptions options) {
    options.id = next_id_++;
    std::unique_ptr<Request> request = create_request(options);
    Client& client = clients_[options.id];
    client.prompt = request->token_ids;
    client.max_tokens = *options.max_tokens;
    scheduler_.add_request(std::move(request));
  }

  void abort(RequestId id) {
    const std::array<RequestId, 1> ids{id};
    for (RequestId alive : scheduler_.finish_requests(ids, RequestStatus::kFinishedAborted)) {
      clients_.erase(alive);
    }
  }

  void step() {
    const SchedulerOutput output = scheduler_.schedule();
    RC_ASSERT(output.total_num_scheduled_tokens <= max_num_batched_tokens_);
    num_cached_tokens_ += num_cached_tokens(output);
    scheduler_.check_integrity();
    ModelRunnerOutput result = runner_.execute(output);
    outputs_.clear();
    scheduler_.update(output, result, outputs_);
    for (const EngineCoreOutput& told : outputs_.outputs)
      take(told);
    scheduler_.check_integrity();
  }

  // Half of the drafts are right, so that some are accepted and some are not.
  void propose(RequestId id, int num_drafts) {
    const auto client = clients_.find(id);
    if (client == clients_.end()) return;
    std::vector<int32_t> known = client->second.prompt;
    known.insert(known.end(), client->second.output.begin(), client->second.output.end());
    std::vector<int32_t> drafts = FakeRunner::continuation(known, num_drafts);
    if (num_drafts % 2 == 1) drafts.back() += 1;
    scheduler_.set_draft_tokens(id, drafts);
  }

  void run_to_the_end() {
    for (int num_steps = 0; scheduler_.has_work(); ++num_steps) {
      RC_ASSERT(num_steps < 5000);
      step();
    }
    RC_ASSERT(clients_.empty());
    RC_ASSERT(runner_.num_live_requests() == 0);
    RC_ASSERT(scheduler_.kv_cache_manager().pool().num_used_blocks() == 0);
    RC_ASSERT(scheduler_.reset_prefix_cache(false));
    scheduler_.check_integrity();
  }

  Scheduler& scheduler() { return scheduler_; }
  RequestId next_id() const { return next_id_; }
  int64_t cached_tokens() const { return num_cached_tokens_; }

 private:
  struct Client {
    std::vector<int32_t> prompt;
    std::vector<int32_t> output;
    int max_tokens = 0;
  };

  static int num_cached_tokens(const SchedulerOutput& output) {
    int num_tokens = 0;
    for (const ScheduledRequest& request : output.requests) {
      if (request.new_request_idx) num_tokens += request.num_computed_tokens;
    }
    return num_tokens;
  }

  void take(const EngineCoreOutput& told) {
    RC_ASSERT(clients_.contains(told.request_id));
    Client& client = clients_[told.request_id];
    const std::span<const int32_t> ids = outputs_.new_token_ids(told);
    client.output.insert(client.output.end(), ids.begin(), ids.end());
    RC_ASSERT(
        client.output ==
        FakeRunner::continuation(client.prompt, static_cast<int>(client.output.size()))
    );
    if (!told.finish_reason) return;
    if (*told.finish_reason == FinishReason::kLength) {
      RC_ASSERT(static_cast<int>(client.output.size()) == client.max_tokens);
    } else {
      RC_ASSERT(*told.finish_reason == FinishReason::kError);  // outgrew the cache
    }
    clients_.erase(told.request_id);
  }

  static constexpr int max_num_batched_tokens_ = 64;
  Scheduler scheduler_;
  FakeRunner runner_;
  EngineCoreOutputs outputs_;
  std::map<RequestId, Client> clients_;
  RequestId next_id_ = 0;
  int64_t num_cached_tokens_ = 0;
};

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
      .prefix_caching_hash_algo = PrefixCachingHashAlgo::kXxhash,
      .block_size = 4,
      .num_blocks = in_range(10, 30),
      .num_groups = *rc::gen::element(1, 1, 2),
  };
}

// Prompts from few tokens and few lengths, so that many share a beginning.
RequestOptions random_request(double arrival_time) {
  const int first = in_range(0, 3);
  return {
      .prompt = token_range(first, in_range(1, 40)),
      .max_tokens = in_range(1, 12),
      .prompt_logprobs = *rc::gen::element<std::optional<int>>(std::nullopt, std::nullopt, 1),
      .priority = in_range(0, 3),
      .arrival_time = arrival_time,
      .cache_salt = *rc::gen::element<std::string>("", "", "salt"),
  };
}

void act_at_random(Engine& engine, double time) {
  const int action = in_range(0, 20);
  const RequestId any_id =
      static_cast<RequestId>(in_range(0, static_cast<int>(engine.next_id()) + 1));
  if (action < 6) {
    engine.add(random_request(time));
  } else if (action < 7) {
    engine.abort(any_id);
  } else if (action < 10) {
    engine.propose(any_id, in_range(0, 5));
  } else if (action < 11) {
    const bool reset_running_requests = in_range(0, 4) == 0;
    const bool is_reset = engine.scheduler().reset_prefix_cache(reset_running_requests);
    RC_ASSERT(is_reset || !reset_running_requests);
  } else {
    engine.step();
  }
  engine.scheduler().check_integrity();
}

TEST(SchedulerPropertyTest, EveryRequestGetsItsContinuation) {
  int num_runs_with_hits = 0;
  int num_runs_with_preemptions = 0;
  const bool holds = rc::check("every request gets its continuation", [&] {
    Engine engine(random_options());
    const int num_actions = in_range(1, 200);
    for (int i = 0; i < num_actions; ++i)
      act_at_random(engine, i);
    engine.run_to_the_end();
    num_runs_with_hits += engine.cached_tokens() > 0;
    num_runs_with_preemptions += engine.scheduler().stats().num_preemptions > 0;
  });
  EXPECT_TRUE(holds);
  EXPECT_GT(num_runs_with_hits, 10);
  EXPECT_GT(num_runs_with_preemptions, 10);
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
      pool.cache_full_blocks(tables.back(), hashes, 0, num_full, in_range(0, 2));
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
