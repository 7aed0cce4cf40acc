#include "support/paged_sequences.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "base/math.h"

namespace quire {
namespace {

Storage make_rope_table(int max_position, int rotary_dim, double theta) {
  Storage storage = Storage::for_tensor(DType::kFloat32, {max_position, rotary_dim});
  auto* table = static_cast<float*>(storage.data());
  const int half = rotary_dim / 2;
  for (int position = 0; position < max_position; ++position) {
    for (int i = 0; i < half; ++i) {
      const double angle = position * std::pow(theta, -2.0 * i / rotary_dim);
      table[position * rotary_dim + i] = static_cast<float>(std::cos(angle));
      table[position * rotary_dim + half + i] = static_cast<float>(std::sin(angle));
    }
  }
  return storage;
}

}  // namespace

PagedSequences::PagedSequences(PagedSetup setup, double theta) : setup_(std::move(setup)) {
  AttentionParams& params = setup_.params;
  row_size_ = (params.num_heads + 2 * params.num_kv_heads) * params.head_dim;
  const int longest = *std::ranges::max_element(setup_.lengths);
  rope_ = make_rope_table(longest, params.rope.rotary_dim, theta);
  params.rope.cos_sin = rope_.tensor(DType::kFloat32, {longest, params.rope.rotary_dim});

  int num_blocks = 1;  // the null block
  for (const int length : setup_.lengths) {
    const int count = ceil_div(length, setup_.block_size);
    max_num_blocks_ = std::max(max_num_blocks_, count);
    blocks_.emplace_back(count);
    std::iota(blocks_.back().begin(), blocks_.back().end(), num_blocks);
    num_blocks += count;
  }
  std::vector<int32_t> shuffled(num_blocks - 1);
  std::iota(shuffled.begin(), shuffled.end(), 1);
  std::mt19937 generator(7);
  std::ranges::shuffle(shuffled, generator);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  for (size_t i = 0; i < setup_.lengths.size(); ++i) {
    for (int32_t& block : blocks_[i]) {
      block = shuffled[block - 1];
    }
    raw_.emplace_back(static_cast<size_t>(setup_.lengths[i]) * row_size_);
    std::ranges::generate(raw_.back(), [&] { return uniform(generator); });
  }
  const size_t num_bytes = ops::kv_cache_bytes(
      num_blocks, setup_.block_size, params.num_kv_heads, params.head_dim, setup_.cache_dtype
  );
  cache_ = Storage(num_bytes);
  const auto num_elements = static_cast<int64_t>(num_bytes / dtype_size(setup_.cache_dtype));
  kv_cache_ = cache_.tensor(setup_.cache_dtype, {num_elements});
}

std::vector<std::vector<float>> PagedSequences::run(
    const Stream& stream, const std::vector<Step>& steps
) {
  std::memset(cache_.data(), 0xFF, cache_.num_bytes());  // NaN in both dtypes
  seen_ = raw_;
  num_computed_.assign(setup_.lengths.size(), 0);
  std::vector<std::vector<float>> outputs;
  for (const int length : setup_.lengths) {
    outputs.emplace_back(
        static_cast<size_t>(length) * setup_.params.num_heads * setup_.params.head_dim, NAN
    );
  }
  for (const Step& step : steps) {
    run_step(stream, step, outputs);
  }
  return outputs;
}

std::vector<int32_t> PagedSequences::block_row(int sequence, int num_computed) const {
  std::vector<int32_t> row(max_num_blocks_, 0);
  std::ranges::copy(blocks_[sequence], row.begin());
  if (setup_.params.sliding_window) {
    const int first_visible = num_computed - *setup_.params.sliding_window + 1;
    for (int block = 0; (block + 1) * setup_.block_size <= first_visible; ++block) {
      row[block] = 0;
    }
  }
  return row;
}

void PagedSequences::append_request(const QueryPart& part) {
  const int computed = num_computed_[part.sequence];
  const auto begin = seen_[part.sequence].begin() + int64_t{computed} * row_size_;
  qkv_.insert(qkv_.end(), begin, begin + int64_t{part.num_tokens} * row_size_);
  query_start_loc_.push_back(query_start_loc_.back() + part.num_tokens);
  seq_lens_.push_back(computed + part.num_tokens);
  for (int position = computed; position < computed + part.num_tokens; ++position) {
    positions_.push_back(position);
    const int block = blocks_[part.sequence][position / setup_.block_size];
    slots_.push_back(block * setup_.block_size + position % setup_.block_size);
  }
  const std::vector<int32_t> row = block_row(part.sequence, computed);
  block_table_.insert(block_table_.end(), row.begin(), row.end());
}

void PagedSequences::run_step(
    const Stream& stream, const Step& step, std::vector<std::vector<float>>& outputs
) {
  qkv_.clear();
  query_start_loc_ = {0};
  seq_lens_.clear();
  positions_.clear();
  slots_.clear();
  block_table_.clear();
  for (const QueryPart& part : step) {
    append_request(part);
  }
  const auto ints = [](std::vector<int32_t>& values) {
    return Tensor(values.data(), DType::kInt32, {static_cast<int64_t>(values.size())});
  };
  PagedBatch batch;
  batch.num_reqs = static_cast<int>(step.size());
  batch.num_tokens = query_start_loc_.back();
  batch.block_size = setup_.block_size;
  batch.query_start_loc = ints(query_start_loc_);
  batch.seq_lens = ints(seq_lens_);
  batch.positions = ints(positions_);
  batch.slot_mapping = ints(slots_);
  batch.block_table = ints(block_table_).view({batch.num_reqs, max_num_blocks_});

  const int64_t out_size = setup_.params.num_heads * setup_.params.head_dim;
  std::vector<float> out(batch.num_tokens * out_size, NAN);
  const Tensor out_view(out.data(), DType::kFloat32, {batch.num_tokens, out_size});
  ops::paged_attention(stream, setup_.params, batch, view(qkv_), kv_cache_, out_view);

  int token = 0;
  for (const QueryPart& part : step) {
    int& computed = num_computed_[part.sequence];
    std::copy_n(
        out.begin() + token * out_size,
        part.num_tokens * out_size,
        outputs[part.sequence].begin() + computed * out_size
    );
    std::copy_n(
        qkv_.begin() + int64_t{token} * row_size_,
        int64_t{part.num_tokens} * row_size_,
        seen_[part.sequence].begin() + int64_t{computed} * row_size_
    );
    computed += part.num_tokens;
    token += part.num_tokens;
  }
}

}  // namespace quire
