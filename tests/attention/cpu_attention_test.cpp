#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "attention/attention_backend.h"
#include "tensor/storage.h"

namespace quire {
namespace {

constexpr int kHeadDim = 16;

// One request of `num_queries` queries after `num_computed` computed tokens, in blocks 1, 2, …
struct OneRequest {
  std::vector<int32_t> query_start_loc;
  std::vector<int32_t> seq_lens;
  std::vector<int32_t> positions;
  std::vector<int32_t> slots;
  std::vector<int32_t> blocks;

  OneRequest(int num_computed, int num_queries, int num_blocks)
      : query_start_loc{0, num_queries},
        seq_lens{num_computed + num_queries},
        positions(num_queries),
        slots(num_queries),
        blocks(num_blocks) {
    std::iota(positions.begin(), positions.end(), num_computed);
    std::iota(slots.begin(), slots.end(), num_computed + 16);
    std::iota(blocks.begin(), blocks.end(), 1);
  }

  PagedBatch batch() {
    const auto ints = [](std::vector<int32_t>& values) {
      return Tensor(values.data(), DType::kInt32, {static_cast<int64_t>(values.size())});
    };
    PagedBatch batch;
    batch.num_reqs = 1;
    batch.num_tokens = query_start_loc.back();
    batch.block_size = 16;
    batch.query_start_loc = ints(query_start_loc);
    batch.seq_lens = ints(seq_lens);
    batch.positions = ints(positions);
    batch.slot_mapping = ints(slots);
    batch.block_table = ints(blocks).view({1, static_cast<int64_t>(blocks.size())});
    return batch;
  }
};

class CpuAttentionTest : public testing::Test {
 protected:
  CpuAttentionTest() {
    spec_ = {.num_kv_heads = 1, .head_dim = kHeadDim, .dtype = DType::kFloat32};
    params_.num_heads = 2;
    params_.num_kv_heads = 1;
    params_.head_dim = kHeadDim;
    params_.scale = 0.25f;
    params_.rope.cos_sin = Tensor(&no_rope_, DType::kFloat32, {64, 0});
    cache_ = Storage(ops::kv_cache_bytes(5, 16, 1, kHeadDim, DType::kFloat32));
  }

  Tensor cache() const {
    const auto num_elements = static_cast<int64_t>(cache_.num_bytes() / sizeof(float));
    return cache_.tensor(DType::kFloat32, {num_elements});
  }

  KVCacheSpec spec_;
  AttentionParams params_;
  ThreadPool pool_{2};
  Stream stream_ = Stream::cpu(pool_);
  float no_rope_ = 0;
  Storage cache_;
};

TEST_F(CpuAttentionTest, RunsTheBatchItPlannedForEveryLayer) {
  const auto backend = make_cpu_attention(spec_, 64);
  OneRequest request(0, 20, 2);
  backend->plan(stream_, request.batch());
  for (const float layer_value : {1.0f, 2.0f}) {
    // Equal keys: each output is the mean of the values so far.
    std::vector<float> qkv(20 * 4 * kHeadDim, 1.0f);
    for (int token = 0; token < 20; ++token) {
      std::fill_n(
          qkv.begin() + (token * 4 + 3) * kHeadDim,
          kHeadDim,
          layer_value * static_cast<float>(token)
      );
    }
    std::vector<float> out(20 * 2 * kHeadDim, NAN);
    backend->run(
        stream_,
        params_,
        Tensor(qkv.data(), DType::kFloat32, {20, 4 * kHeadDim}),
        cache(),
        Tensor(out.data(), DType::kFloat32, {20, 2 * kHeadDim})
    );
    for (int token = 0; token < 20; ++token) {
      for (int i = 0; i < 2 * kHeadDim; ++i) {
        ASSERT_NEAR(out[token * 2 * kHeadDim + i], layer_value * token / 2, 1e-5 * (1 + token));
      }
    }
  }
}

TEST_F(CpuAttentionTest, RefusesABatchThatItsTablesCannotHold) {
  const auto backend = make_cpu_attention(spec_, 40);
  OneRequest too_long(30, 11, 3);
  EXPECT_THROW(backend->plan(stream_, too_long.batch()), InternalError);
  OneRequest too_few_blocks(30, 3, 2);
  EXPECT_THROW(backend->plan(stream_, too_few_blocks.batch()), InternalError);
  OneRequest fits(30, 10, 3);
  EXPECT_NO_THROW(backend->plan(stream_, fits.batch()));
  PagedBatch other_size = fits.batch();
  other_size.block_size = 32;
  EXPECT_THROW(backend->plan(stream_, other_size), InternalError);
}

TEST_F(CpuAttentionTest, RefusesALayerOfAnotherGroup) {
  const auto backend = make_cpu_attention(spec_, 64);
  OneRequest request(0, 1, 1);
  backend->plan(stream_, request.batch());
  std::vector<float> qkv(4 * kHeadDim);
  const Tensor rows(qkv.data(), DType::kFloat32, {1, 4 * kHeadDim});
  const Tensor out(qkv.data(), DType::kFloat32, {1, 2 * kHeadDim});
  AttentionParams other = params_;
  other.num_kv_heads = 2 * params_.num_kv_heads;
  EXPECT_THROW(backend->run(stream_, other, rows, cache(), out), InternalError);
}

}  // namespace
}  // namespace quire
