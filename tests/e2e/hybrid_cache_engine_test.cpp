// Models with sliding windows over scheduler and worker: the blocks behind the windows really are
// given back and reused, and the tokens stay those of Hugging Face transformers.
#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/resolve.h"
#include "core/scheduler.h"
#include "support/logits_goldens.h"
#include "support/test_paths.h"
#include "worker/worker.h"

namespace quire {
namespace {

using ::testing::ElementsAre;

struct ModelCase {
  const char* name;
  // Layers and window of each KV cache group.
  std::vector<std::vector<int>> layers;
  std::vector<std::optional<int>> windows;
};

// The parts of the engine that know block tables, in one thread.
class SmallEngine {
 public:
  explicit SmallEngine(const std::filesystem::path& dir, EngineConfig wish) : model_dir_(dir) {
    wish.dtype = "float32";
    const ModelConfig model = load_model_config(dir);
    const ResolvedConfig config =
        resolve(wish, model, {.total_memory_bytes = 1LL << 30, .num_cpus = 2}, {}, false);
    worker_ = std::make_unique<Worker>(WorkerConfig{
        .num_threads = 1,
        .dtype = config.dtype,
        .max_model_len = config.scheduler.max_model_len,
        .max_num_seqs = config.scheduler.max_num_seqs,
        .max_num_batched_tokens = config.scheduler.max_num_batched_tokens,
    });
    worker_->load_model(model, WeightSource::open_safetensors(dir));
    cache_ = size_kv_cache(config, worker_->kv_cache_specs(), 0);
    worker_->initialize_kv_cache(cache_);
    scheduler_ = std::make_unique<Scheduler>(config.scheduler, config.cache, cache_);
  }

  const KVCacheConfig& cache() const { return cache_; }
  Scheduler& scheduler() { return *scheduler_; }
  // Null blocks that stood in a table right after a step was planned, by group.
  const std::vector<int>& num_null_blocks() const { return num_null_blocks_; }
  // The same in the tables of requests that were just admitted: hits begin with them.
  int num_null_blocks_in_hits() const { return num_null_blocks_in_hits_; }
  int num_cached_tokens() const { return num_cached_tokens_; }

  // Serves the golden prompts, all at once, and compares what they get.
  void expect_goldens() {
    const auto goldens = test::load_logits_goldens(model_dir_);
    const RequestId first_id = next_id_;
    for (const test::LogitsGolden& golden : goldens)
      add(golden);
    std::map<RequestId, std::vector<int32_t>> output_ids;
    while (scheduler_->has_unfinished_requests())
      step(output_ids);
    for (size_t i = 0; i < goldens.size(); ++i) {
      EXPECT_EQ(output_ids[first_id + i], goldens[i].greedy_ids) << "prompt " << i;
    }
    scheduler_->check_integrity();
    EXPECT_EQ(scheduler_->stats().num_used_blocks, 0);
  }

 private:
  void add(const test::LogitsGolden& golden) {
    auto request = std::make_unique<Request>();
    request->id = next_id_++;
    request->token_ids = golden.prompt_ids;
    request->num_prompt_tokens = request->num_tokens();
    request->sampling_params.temperature = 0.0;
    request->sampling_params.ignore_eos = true;
    request->sampling_params.max_tokens = static_cast<int>(golden.greedy_ids.size());
    scheduler_->add_request(std::move(request));
  }

  void step(std::map<RequestId, std::vector<int32_t>>& output_ids) {
    const SchedulerOutput& output = scheduler_->schedule();
    look_at_tables(output);
    worker_->execute(output);
    EngineCoreOutputs outputs;
    scheduler_->update(output, worker_->sample(), outputs);
    for (const EngineCoreOutput& told : outputs.outputs) {
      EXPECT_EQ(told.error, "");
      const auto ids = outputs.new_token_ids(told);
      std::vector<int32_t>& all = output_ids[told.request_id];
      all.insert(all.end(), ids.begin(), ids.end());
    }
  }

  void look_at_tables(const SchedulerOutput& output) {
    const KVCacheManager& manager = scheduler_->kv_cache_manager();
    num_null_blocks_.resize(manager.num_groups());
    for (const ScheduledRequest& scheduled : output.requests) {
      const Request& request = *scheduler_->find_request(scheduled.request_id);
      if (scheduled.new_request_idx) num_cached_tokens_ += scheduled.num_computed_tokens;
      for (int group = 0; group < manager.num_groups(); ++group) {
        const auto ids = manager.block_ids(request, group);
        const auto num_null = static_cast<int>(std::ranges::count(ids, BlockPool::kNullBlockId));
        const auto num_leading = static_cast<int>(
            std::ranges::find_if(ids, [](int id) { return id != 0; }) - ids.begin()
        );
        EXPECT_EQ(num_null, num_leading);
        EXPECT_EQ(num_null, num_behind_window(group, scheduled)) << "group " << group;
        num_null_blocks_[group] += num_null;
        if (scheduled.new_request_idx) num_null_blocks_in_hits_ += num_null;
      }
    }
  }

  int num_behind_window(int group, const ScheduledRequest& scheduled) const {
    const KVCacheSpec& spec = cache_.groups[group].spec;
    if (!spec.sliding_window) return 0;
    return std::max(0, scheduled.num_computed_tokens - *spec.sliding_window + 1) / spec.block_size;
  }

  std::filesystem::path model_dir_;
  std::unique_ptr<Worker> worker_;
  KVCacheConfig cache_;
  std::unique_ptr<Scheduler> scheduler_;
  RequestId next_id_ = 0;
  std::vector<int> num_null_blocks_;
  int num_null_blocks_in_hits_ = 0;
  int num_cached_tokens_ = 0;
};

class HybridCacheEngineTest : public ::testing::TestWithParam<ModelCase> {
 protected:
  std::filesystem::path dir() const { return test::test_data_dir() / "models" / GetParam().name; }

  void expect_null_blocks_behind_every_window(const SmallEngine& engine) const {
    for (size_t group = 0; group < GetParam().windows.size(); ++group) {
      EXPECT_EQ(engine.num_null_blocks()[group] > 0, GetParam().windows[group].has_value());
    }
  }
};

TEST_P(HybridCacheEngineTest, LayersAreGroupedByTheirWindow) {
  const SmallEngine engine(dir(), {.num_gpu_blocks_override = 50});
  std::vector<std::vector<int>> layers;
  std::vector<std::optional<int>> windows;
  for (const KVCacheGroupSpec& group : engine.cache().groups) {
    layers.push_back(group.layer_indices);
    windows.push_back(group.spec.sliding_window);
  }
  EXPECT_EQ(layers, GetParam().layers);
  EXPECT_EQ(windows, GetParam().windows);
}

TEST_P(HybridCacheEngineTest, BlocksBehindTheWindowsAreGivenBack) {
  SmallEngine engine(dir(), {.num_gpu_blocks_override = 50});
  engine.expect_goldens();
  expect_null_blocks_behind_every_window(engine);
}

TEST_P(HybridCacheEngineTest, AWarmCacheBeginsBehindTheWindows) {
  SmallEngine engine(dir(), {.num_gpu_blocks_override = 100});
  engine.expect_goldens();
  EXPECT_EQ(engine.num_null_blocks_in_hits(), 0);
  engine.expect_goldens();
  EXPECT_GT(engine.num_cached_tokens(), 0);
  EXPECT_GT(engine.num_null_blocks_in_hits(), 0);
}

TEST_P(HybridCacheEngineTest, ChunksMoveTheWindowsOverThePrompt) {
  SmallEngine engine(
      dir(), {.num_gpu_blocks_override = 50, .max_num_batched_tokens = 7, .max_num_seqs = 3}
  );
  engine.expect_goldens();
  expect_null_blocks_behind_every_window(engine);
}

TEST_P(HybridCacheEngineTest, FewBlocksAreSharedInTurn) {
  // The longest prompt ends with 56 tokens, in 4 blocks of each group.
  const int num_groups = static_cast<int>(GetParam().windows.size());
  SmallEngine engine(
      dir(),
      {.num_gpu_blocks_override = 4 * num_groups + 2,
       .enable_prefix_caching = false,
       .max_num_batched_tokens = 20,
       .max_num_seqs = 3}
  );
  engine.expect_goldens();
  expect_null_blocks_behind_every_window(engine);
}

TEST_P(HybridCacheEngineTest, OneGroupForAllKeepsEverything) {
  SmallEngine engine(
      dir(), {.num_gpu_blocks_override = 50, .disable_hybrid_kv_cache_manager = true}
  );
  ASSERT_EQ(engine.cache().groups.size(), 1u);
  const bool is_hybrid = GetParam().windows.size() > 1;
  EXPECT_EQ(engine.cache().groups[0].spec.sliding_window.has_value(), !is_hybrid);
  engine.expect_goldens();
  EXPECT_EQ(engine.num_null_blocks()[0] == 0, is_hybrid);
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    HybridCacheEngineTest,
    ::testing::Values(
        ModelCase{"gemma2", {{1, 3}, {0, 2}}, {std::nullopt, 8}},
        ModelCase{"gemma3", {{2}, {0}, {1}, {3}}, {std::nullopt, 8, 8, 8}},
        ModelCase{"mistral", {{0, 1, 2}}, {8}},
        ModelCase{"phi3", {{0, 1}}, {8}}
    ),
    [](const auto& info) { return std::string(info.param.name); }
);

}  // namespace
}  // namespace quire
