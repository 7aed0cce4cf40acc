#include "worker/kv_cache.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr int kNumLayers = 3;

KVCacheConfig swap_config() {
  KVCacheConfig config{.num_blocks = 4, .num_host_blocks = 2, .groups = {{}}};
  config.groups[0].spec = {.num_kv_heads = 1, .head_dim = 16, .dtype = DType::kFloat32};
  for (int layer = 0; layer < kNumLayers; ++layer)
    config.groups[0].layer_indices.push_back(layer);
  return config;
}

class SwapTest : public ::testing::Test {
 protected:
  // The elements of one block in one layer.
  std::span<float> block(int layer, int block_id) {
    const Tensor& cache = cache_.layer_caches()[layer].kv_cache;
    const auto size = static_cast<size_t>(cache.num_elements()) / 4;
    return {cache.data<float>() + size * static_cast<size_t>(block_id), size};
  }
  void fill(int block_id, float value) {
    for (int layer = 0; layer < kNumLayers; ++layer)
      std::ranges::fill(block(layer, block_id), value + static_cast<float>(layer));
  }
  void expect_filled(int block_id, float value) {
    for (int layer = 0; layer < kNumLayers; ++layer) {
      for (const float element : block(layer, block_id))
        ASSERT_EQ(element, value + static_cast<float>(layer)) << "block " << block_id;
    }
  }

  ThreadPool pool_{2};
  Stream stream_ = Stream::cpu(pool_);
  KVCache cache_{swap_config(), stream_, 64};
};

constexpr auto kDevice = BlockSpace::kDevice;
constexpr auto kHost = BlockSpace::kHost;

TEST_F(SwapTest, BlocksSurviveOnTheHost) {
  fill(1, 10.0f);
  fill(2, 20.0f);
  const BlockCopy out[] = {{kDevice, kHost, 1, 0}, {kDevice, kHost, 2, 1}};
  cache_.copy_blocks(stream_, out);
  fill(1, 0.0f);
  fill(2, 0.0f);
  const BlockCopy in[] = {{kHost, kDevice, 0, 3}, {kHost, kDevice, 1, 1}};
  cache_.copy_blocks(stream_, in);
  expect_filled(3, 10.0f);
  expect_filled(1, 20.0f);
  expect_filled(2, 0.0f);
}

// A block that was swapped out may be the target of a copy behind it.
TEST_F(SwapTest, CopiesRunInTheirOrder) {
  fill(1, 10.0f);
  fill(2, 20.0f);
  const BlockCopy copies[] = {
      {kDevice, kHost, 1, 0}, {kDevice, kDevice, 2, 1}, {kDevice, kDevice, 1, 3}};
  cache_.copy_blocks(stream_, copies);
  expect_filled(1, 20.0f);
  expect_filled(3, 20.0f);
  const BlockCopy in[] = {{kHost, kDevice, 0, 2}};
  cache_.copy_blocks(stream_, in);
  expect_filled(2, 10.0f);
}

TEST_F(SwapTest, BlocksThatAreNotThereAreABug) {
  for (const BlockCopy copy :
       {BlockCopy{kDevice, kHost, 1, 2},
        BlockCopy{kDevice, kHost, 4, 0},
        BlockCopy{kHost, kDevice, -1, 1}}) {
    EXPECT_THROW(cache_.copy_blocks(stream_, std::span(&copy, 1)), InternalError);
  }
}

}  // namespace
}  // namespace quire
