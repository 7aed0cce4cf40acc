// The logits of a prompt are the same bits alone and in any batch: whatever the other requests are,
// in whatever order and chunks they come, on every instruction set and in both dtypes.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "backend/cpu_isa.h"
#include "support/paged_model.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using test::Logits;
using test::PagedModel;

struct Case {
  const char* model;
  cpu::IsaLevel isa;
  DType dtype;
};

std::string name_of(const Case& c) {
  return std::string(c.model) + "_" + std::string(cpu::isa_name(c.isa)) + "_" +
         std::string(dtype_name(c.dtype));
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* model : {"llama_bias", "mistral", "qwen3", "gemma2", "gemma3", "phi3"}) {
    for (const auto isa : {cpu::IsaLevel::kGeneric, cpu::IsaLevel::kAvx2, cpu::IsaLevel::kAvx512}) {
      if (!cpu::is_isa_available(isa)) continue;
      for (const DType dtype : {DType::kFloat32, DType::kBFloat16})
        cases.push_back({model, isa, dtype});
    }
  }
  return cases;
}

// One prompt among others that come and go at random.
class RandomBatches {
 public:
  RandomBatches(PagedModel& model, uint32_t seed) : model_(model), generator_(seed) {
    for (std::vector<int32_t>& prompt : prompts_)
      prompt = random_tokens(random(1, 100));
  }

  // The logits of `prompt`, which is one of the requests.
  Logits logits(const std::vector<int32_t>& prompt) {
    model_.reset();
    target_ = random(0, PagedModel::kMaxReqs - 1);
    prompts_[target_] = prompt;
    num_computed_.assign(PagedModel::kMaxReqs, 0);
    Logits rows;
    while (num_computed_[target_] < static_cast<int>(prompt.size()))
      step(rows);
    return rows;
  }

  int largest_batch() const { return largest_batch_; }

 private:
  int random(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator_);
  }

  std::vector<int32_t> random_tokens(int num_tokens) {
    std::vector<int32_t> ids(num_tokens);
    for (int32_t& id : ids)
      id = random(0, model_.config().vocab_size - 1);
    return ids;
  }

  // Some of the requests in a random order, each with one token or with more.
  void step(Logits& rows) {
    std::vector<PagedModel::Piece> pieces;
    for (int i = 0; i < PagedModel::kMaxReqs; ++i) {
      const int num_left = static_cast<int>(prompts_[i].size()) - num_computed_[i];
      if (num_left == 0 || random(0, 3) == 0) continue;
      const int num_tokens = random(0, 1) == 0 ? 1 : random(1, num_left);
      pieces.push_back({i, std::span(prompts_[i]).subspan(num_computed_[i], num_tokens)});
      num_computed_[i] += num_tokens;
    }
    if (pieces.empty()) return;
    std::ranges::shuffle(pieces, generator_);
    const std::vector<Logits> computed = model_.step(pieces);
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].idx != target_) continue;
      rows.insert(rows.end(), computed[i].begin(), computed[i].end());
      largest_batch_ = std::max(largest_batch_, static_cast<int>(pieces.size()));
    }
  }

  PagedModel& model_;
  std::mt19937 generator_;
  std::vector<std::vector<int32_t>> prompts_{PagedModel::kMaxReqs};
  std::vector<int> num_computed_;
  int target_ = 0;
  int largest_batch_ = 0;  // with the prompt in it
};

class BatchInvarianceTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { cpu::select_isa(GetParam().isa); }
  void TearDown() override { cpu::select_isa("auto"); }
};

TEST_P(BatchInvarianceTest, APromptHasTheSameLogitsAloneAndInRandomBatches) {
  PagedModel model(
      test::test_data_dir() / "models" / GetParam().model,
      {.dtype = GetParam().dtype, .num_threads = 2}
  );
  int largest_batch = 0;
  for (uint32_t seed = 0; seed < 10; ++seed) {
    std::vector<int32_t> prompt;
    for (uint32_t i = 0; i < 40 + 8 * seed; ++i)
      prompt.push_back(static_cast<int32_t>((7 * i + 3 * seed * i + i * i) % 120));
    const Logits alone = model.logits(prompt);
    RandomBatches batches(model, seed);
    ASSERT_EQ(batches.logits(prompt), alone) << "seed " << seed;
    largest_batch = std::max(largest_batch, batches.largest_batch());
  }
  EXPECT_GT(largest_batch, PagedModel::kMaxReqs / 2);
}

INSTANTIATE_TEST_SUITE_P(
    Models,
    BatchInvarianceTest,
    ::testing::ValuesIn(all_cases()),
    [](const auto& info) { return name_of(info.param); }
);

}  // namespace
}  // namespace quire
