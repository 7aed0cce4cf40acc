#include "ops/attention.h"

#include <algorithm>
#include <cmath>

#include "op_test.h"
#include "support/paged_sequences.h"

namespace quire {
namespace {

struct Heads {
  int num_heads;
  int num_kv_heads;
  int head_dim;
};

PagedSetup make_setup(const Heads& heads, DType dtype, std::vector<int> lengths) {
  PagedSetup setup;
  setup.params.num_heads = heads.num_heads;
  setup.params.num_kv_heads = heads.num_kv_heads;
  setup.params.head_dim = heads.head_dim;
  setup.params.scale = 2.0f / std::sqrt(static_cast<float>(heads.head_dim));
  setup.params.rope.rotary_dim = heads.head_dim;
  setup.cache_dtype = dtype;
  setup.lengths = std::move(lengths);
  return setup;
}

// Each sequence at once, all in one step.
std::vector<Step> whole_prompts(const std::vector<int>& lengths) {
  Step step;
  for (size_t i = 0; i < lengths.size(); ++i) {
    step.push_back({static_cast<int>(i), lengths[i]});
  }
  return {step};
}

class AttentionTest : public OpTest {
 protected:
  // Outputs against float64 attention over the rotated q, k, v that the kernel itself left, with k
  // and v rounded as the cache does.
  static void expect_attention(
      const PagedSetup& setup,
      const PagedSequences& sequences,
      int sequence,
      const std::vector<float>& actual
  ) {
    const AttentionParams& params = setup.params;
    const reference::Matrix rows = sequences.rotated(sequence);
    const int q_size = params.num_heads * params.head_dim;
    const int kv_size = params.num_kv_heads * params.head_dim;
    const bool is_bfloat16 = setup.cache_dtype == DType::kBFloat16;
    const auto columns = [&](int begin, int count, bool in_cache) {
      reference::Matrix part(rows.num_rows, count);
      for (int64_t row = 0; row < rows.num_rows; ++row) {
        for (int i = 0; i < count; ++i) {
          const auto value = static_cast<float>(rows.at(row, begin + i));
          part.at(row, i) = in_cache && is_bfloat16 ? to_float(to_bfloat16(value)) : value;
        }
      }
      return part;
    };
    const reference::Matrix expected = reference::attention(
        columns(0, q_size, false),
        columns(q_size, kv_size, true),
        columns(q_size + kv_size, kv_size, true),
        {params.num_heads,
         params.num_kv_heads,
         params.head_dim,
         params.scale,
         params.logits_softcap,
         params.sliding_window}
    );
    // |q|, |k| < 2, |v| < 1. A score is a chain of head_dim products; an error of a score is twice
    // that relative error of a weight; weights are summed and divided in about T steps.
    const double score_error =
        (params.head_dim + 8) * reference::kEpsilon * params.scale * 4 * params.head_dim;
    const double tolerance =
        2 * score_error + (static_cast<double>(rows.num_rows) + 32) * reference::kEpsilon;
    for (size_t i = 0; i < actual.size(); ++i) {
      ASSERT_NEAR(actual[i], expected.values[i], tolerance)
          << "sequence " << sequence << " token " << i / q_size << " column " << i % q_size;
    }
  }

  void run_and_check(const PagedSetup& setup, const std::vector<Step>& steps) {
    PagedSequences sequences(setup);
    const auto outputs = sequences.run(stream_, steps);
    for (size_t i = 0; i < outputs.size(); ++i) {
      expect_attention(setup, sequences, static_cast<int>(i), outputs[i]);
    }
  }
};
QUIRE_OP_TEST(AttentionTest);

TEST_P(AttentionTest, EqualsTheReferenceForEveryShapeOfHeads) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    for (const Heads& heads :
         {Heads{4, 2, 64},
          Heads{4, 4, 16},
          Heads{5, 1, 8},
          Heads{6, 2, 40},
          Heads{8, 2, 128},
          Heads{2, 1, 256},
          Heads{71, 1, 16},
          Heads{7, 7, 2}}) {
      SCOPED_TRACE(
          testing::Message() << dtype_name(dtype) << " " << heads.num_heads << "/"
                             << heads.num_kv_heads << "/" << heads.head_dim
      );
      const std::vector<int> lengths = {1, 15, 16, 17, 150, 33};
      run_and_check(make_setup(heads, dtype, lengths), whole_prompts(lengths));
    }
  }
}

TEST_P(AttentionTest, HonoursWindowSoftcapAndLargerBlocks) {
  const std::vector<int> lengths = {3, 40, 300};
  for (const int block_size : {16, 48}) {
    for (const std::optional<int> window :
         {std::optional<int>(),
          std::optional<int>(1),
          std::optional<int>(24),
          std::optional<int>(130)}) {
      SCOPED_TRACE(testing::Message() << block_size << " window " << window.value_or(0));
      PagedSetup setup = make_setup({4, 2, 32}, DType::kFloat32, lengths);
      setup.block_size = block_size;
      setup.params.sliding_window = window;
      setup.params.logits_softcap = window ? 3.0f : 0.0f;
      run_and_check(setup, whole_prompts(lengths));
    }
  }
}

TEST_P(AttentionTest, RotatesAndNormsQueriesAndKeys) {
  PagedSetup setup = make_setup({4, 2, 40}, DType::kFloat32, {70});
  setup.params.rope.rotary_dim = 24;  // the rest of a head stays as it is
  const OwnedTensor q_norm = random_tensor(DType::kFloat32, 1, 40, 1);
  const OwnedTensor k_norm = random_tensor(DType::kFloat32, 1, 40, 2);
  setup.params.q_norm_weight = q_norm.tensor.view({40});
  setup.params.k_norm_weight = k_norm.tensor.view({40});
  setup.params.qk_norm_eps = 1e-5f;
  PagedSequences sequences(setup, 500.0);
  const auto outputs = sequences.run(stream_, whole_prompts(setup.lengths));
  expect_attention(setup, sequences, 0, outputs[0]);

  const reference::Matrix raw = sequences.raw(0);
  const reference::Matrix rotated = sequences.rotated(0);
  for (int64_t token = 0; token < raw.num_rows; ++token) {
    for (int head = 0; head < 8; ++head) {
      reference::Matrix expected(1, 40);
      std::copy_n(&raw.values[token * raw.num_columns + head * 40], 40, expected.values.begin());
      if (head < 6) {
        const Tensor& weight = head < 4 ? q_norm.tensor : k_norm.tensor;
        expected = reference::rms_norm(expected, to_vector(weight), 1e-5f);
        reference::rotate(expected.values.data(), 24, static_cast<int>(token), 500.0);
      }
      for (int d = 0; d < 40; ++d) {
        // A handful of roundings of values below 2, and those of the table of cosines.
        ASSERT_NEAR(rotated.at(token, head * 40 + d), expected.at(0, d), 64 * reference::kEpsilon);
      }
    }
  }
}

// How a sequence of 333 tokens may come in: at once, token by token, in chunks, and beside others.
TEST_P(AttentionTest, GivesTheSameBitsAloneBatchedAndInChunks) {
  const std::vector<int> lengths = {333, 20, 129};
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    for (const std::optional<int> window : {std::optional<int>(), std::optional<int>(50)}) {
      PagedSetup setup = make_setup({6, 2, 24}, dtype, lengths);
      setup.params.sliding_window = window;
      PagedSequences sequences(setup);
      const auto expected = sequences.run(stream_, {{{0, 333}}, {{1, 20}}, {{2, 129}}});
      for (const int chunk : {1, 16, 37, 333}) {
        for (const int num_threads : {1, 2, 5}) {
          ThreadPool pool(num_threads);
          std::vector<Step> steps;
          for (int begin = 0; begin < 333; begin += chunk) {
            Step step;
            for (int i = 0; i < 3; ++i) {
              const int count = std::min(chunk, lengths[i] - begin);
              if (count > 0) step.push_back({i, count});
            }
            steps.push_back(step);
          }
          const auto outputs = sequences.run(Stream::cpu(pool), steps);
          for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(is_bitwise_equal(
                outputs[i].data(), expected[i].data(), static_cast<int64_t>(expected[i].size())
            )) << "sequence "
               << i << " chunk " << chunk << " threads " << num_threads;
          }
        }
      }
    }
  }
}

TEST_P(AttentionTest, DecodesALargeBatchOfMixedLengths) {
  std::vector<int> lengths;
  for (int i = 0; i < 40; ++i) {
    lengths.push_back(2 + i * 7);
  }
  PagedSetup setup = make_setup({4, 2, 16}, DType::kBFloat16, lengths);
  std::vector<Step> steps(2);
  for (int i = 0; i < 40; ++i) {
    steps[0].push_back({i, lengths[i] - 1});
    steps[1].push_back({i, 1});
  }
  run_and_check(setup, steps);
}

// Request 1 computes the last token of a block that request 0, earlier in the batch, shares
// already.
struct SharedBlockStep {
  std::vector<float> qkv;  // [2, 48]: one query head, one kv head of 16
  std::vector<int32_t> query_start_loc = {0, 1, 2};
  std::vector<int32_t> seq_lens = {17, 16};
  std::vector<int32_t> positions = {16, 15};
  std::vector<int32_t> block_table = {1, 2, 1, 0};
  std::vector<int32_t> slot_mapping = {32, 31};
  std::vector<float> cos_sin;

  SharedBlockStep() : qkv(2 * 48), cos_sin(17 * 16) {
    for (size_t i = 0; i < qkv.size(); ++i) {
      qkv[i] = 0.01f * static_cast<float>(i);
    }
    for (size_t i = 0; i < cos_sin.size(); ++i) {
      cos_sin[i] = i % 16 < 8 ? 1.0f : 0.0f;  // no rotation
    }
  }
  // Outputs of the requests [first, first + count).
  std::vector<float> run(const Stream& stream, const Tensor& cache, int first, int count) {
    const auto vector = [&](std::vector<int32_t>& values, int64_t size) {
      return Tensor(values.data() + first, DType::kInt32, {size});
    };
    std::vector<int32_t> starts(query_start_loc.begin(), query_start_loc.begin() + count + 1);
    const PagedBatch batch{
        .num_reqs = count,
        .num_tokens = count,
        .block_size = 16,
        .query_start_loc = Tensor(starts.data(), DType::kInt32, {count + 1}),
        .seq_lens = vector(seq_lens, count),
        .positions = vector(positions, count),
        .block_table = Tensor(block_table.data() + 2 * first, DType::kInt32, {count, 2}),
        .slot_mapping = vector(slot_mapping, count),
    };
    AttentionParams params;
    params.num_heads = 1;
    params.num_kv_heads = 1;
    params.head_dim = 16;
    params.scale = 0.25f;
    params.rope = {Tensor(cos_sin.data(), DType::kFloat32, {17, 16}), 16};
    std::vector<float> inputs(qkv.begin() + 48 * first, qkv.begin() + 48 * (first + count));
    std::vector<float> out(16 * count);
    ops::paged_attention(
        stream,
        params,
        batch,
        Tensor(inputs.data(), DType::kFloat32, {count, 48}),
        cache,
        Tensor(out.data(), DType::kFloat32, {count, 16})
    );
    return out;
  }
};

TEST_P(AttentionTest, ReadsATokenThatAnotherRequestComputesInTheSameStep) {
  const size_t num_bytes = ops::kv_cache_bytes(3, 16, 1, 16, DType::kFloat32);
  ThreadPool one_thread(1);  // takes the reader's work before the writer's
  SharedBlockStep step;
  std::vector<float> outputs[2];
  for (const bool together : {false, true}) {
    const Storage storage(num_bytes);
    std::fill_n(static_cast<float*>(storage.data()), num_bytes / 4, 0.125f);
    const auto num_floats = static_cast<int64_t>(num_bytes / 4);
    const Tensor cache(storage.data(), DType::kFloat32, {num_floats});
    if (!together) (void)step.run(Stream::cpu(one_thread), cache, 1, 1);
    outputs[together] = step.run(Stream::cpu(one_thread), cache, 0, together ? 2 : 1);
    outputs[together].resize(16);
  }
  EXPECT_EQ(outputs[1], outputs[0]);
}

TEST_P(AttentionTest, AcceptsABatchWithoutTokens) {
  PagedSetup setup = make_setup({4, 2, 16}, DType::kFloat32, {5});
  PagedSequences sequences(setup);
  const auto outputs = sequences.run(stream_, {Step{}});
  for (const float value : outputs[0]) {
    EXPECT_TRUE(std::isnan(value));
  }
}

TEST(PagedAttention, RefusesWhatItsLayoutCannotHold) {
  EXPECT_THROW((void)ops::kv_cache_bytes(4, 8, 2, 64, DType::kFloat32), InternalError);
  EXPECT_EQ(ops::kv_cache_bytes(4, 16, 2, 64, DType::kBFloat16), 2u * 4 * 16 * 2 * 64 * 2);
  EXPECT_THROW(
      PagedSequences(make_setup({4, 2, 7}, DType::kFloat32, {5})).run(Stream{}, whole_prompts({5})),
      InternalError
  );
  EXPECT_THROW(
      PagedSequences(make_setup({4, 3, 8}, DType::kFloat32, {5})).run(Stream{}, whole_prompts({5})),
      InternalError
  );
}

}  // namespace
}  // namespace quire
