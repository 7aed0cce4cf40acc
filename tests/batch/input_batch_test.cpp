#include "batch/input_batch.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

using ::testing::ElementsAre;

std::vector<int32_t> values(const Tensor& tensor) {
  const auto* data = tensor.data<int32_t>();
  return {data, data + tensor.num_elements()};
}

std::vector<int32_t> row(const Tensor& table, int row, int count) {
  const auto* data = table.data<int32_t>() + row * table.stride(0);
  return {data, data + count};
}

class InputBatchTest : public ::testing::Test {
 protected:
  static constexpr int kBlockSize = 4;
  InputBatchTest() : tables_(1, 3, 4), batch_(1, 3, 16, 4), first_tokens_(10), second_tokens_(3) {
    std::iota(first_tokens_.begin(), first_tokens_.end(), 100);
    std::iota(second_tokens_.begin(), second_tokens_.end(), 200);
  }

  BlockTables tables_;
  InputBatch batch_;
  std::vector<int32_t> first_tokens_;
  std::vector<int32_t> second_tokens_;
  std::vector<int> block_sizes_{kBlockSize};
};

TEST_F(InputBatchTest, LaysTwoQueriesOutOneAfterTheOther) {
  tables_.append(2, 0, std::vector{7, 3});
  tables_.append(0, 0, std::vector{5});
  const std::vector<BatchEntry> entries = {{2, first_tokens_, 4, 2}, {0, second_tokens_, 0, 3}};
  batch_.build(entries, tables_, block_sizes_);

  EXPECT_THAT(values(batch_.query_start_loc()), ElementsAre(0, 2, 5));
  EXPECT_THAT(values(batch_.seq_lens()), ElementsAre(6, 3));
  EXPECT_THAT(values(batch_.positions()), ElementsAre(4, 5, 0, 1, 2));
  EXPECT_THAT(values(batch_.token_ids()), ElementsAre(104, 105, 200, 201, 202));
  EXPECT_THAT(row(batch_.block_table(0), 0, 2), ElementsAre(7, 3));
  EXPECT_THAT(row(batch_.block_table(0), 1, 1), ElementsAre(5));
  EXPECT_THAT(values(batch_.slot_mapping(0)), ElementsAre(12, 13, 20, 21, 22));
}

TEST_F(InputBatchTest, KeepsItsAddressesFromStepToStep) {
  tables_.append(0, 0, std::vector{1});
  const std::vector<BatchEntry> entries = {{0, second_tokens_, 0, 1}};
  batch_.build(entries, tables_, block_sizes_);
  const void* before = batch_.token_ids().raw();
  const std::vector<BatchEntry> next = {{0, second_tokens_, 1, 2}};
  batch_.build(next, tables_, block_sizes_);
  EXPECT_EQ(batch_.token_ids().raw(), before);
  EXPECT_EQ(batch_.num_tokens(), 2);
}

TEST_F(InputBatchTest, AnEmptyStepHasNoTokens) {
  batch_.build({}, tables_, block_sizes_);
  EXPECT_EQ(batch_.num_reqs(), 0);
  EXPECT_EQ(batch_.num_tokens(), 0);
  EXPECT_THAT(values(batch_.query_start_loc()), ElementsAre(0));
}

TEST_F(InputBatchTest, TokensWithoutABlockAreABug) {
  tables_.append(0, 0, std::vector{1});
  const std::vector<BatchEntry> entries = {{0, first_tokens_, 0, kBlockSize + 1}};
  EXPECT_THROW(batch_.build(entries, tables_, block_sizes_), InternalError);
}

TEST_F(InputBatchTest, TokensThatTheRequestDoesNotHaveAreABug) {
  tables_.append(0, 0, std::vector{1, 2});
  const std::vector<BatchEntry> entries = {{0, second_tokens_, 0, 4}};
  EXPECT_THROW(batch_.build(entries, tables_, block_sizes_), InternalError);
}

TEST(BlockTablesTest, KeepsARowPerGroupAndSlot) {
  BlockTables tables(2, 2, 3);
  tables.append(1, 0, std::vector{4});
  tables.append(1, 0, std::vector{5, 6});
  tables.append(1, 1, std::vector{9});
  EXPECT_THAT(tables.row(1, 0), ElementsAre(4, 5, 6));
  EXPECT_THAT(tables.row(1, 1), ElementsAre(9));
  EXPECT_TRUE(tables.row(0, 0).empty());
  tables.clear(1);
  EXPECT_TRUE(tables.row(1, 0).empty());
  EXPECT_TRUE(tables.row(1, 1).empty());
}

TEST(BlockTablesTest, MoreBlocksThanARowHoldsAreABug) {
  BlockTables tables(1, 1, 2);
  tables.append(0, 0, std::vector{1, 2});
  EXPECT_THROW(tables.append(0, 0, std::vector{3}), InternalError);
}

}  // namespace
}  // namespace quire
