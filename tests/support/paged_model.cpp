#include "support/paged_model.h"

#include <algorithm>

#include "base/math.h"
#include "ops/attention.h"

namespace quire::test {
namespace {

ModelConfig load_config(const std::filesystem::path& dir, const PagedModelOptions& options) {
  ModelConfig config = load_model_config(dir);
  if (options.edit) options.edit(config);
  return config;
}

Tensor view_of(std::vector<int32_t>& values) {
  return Tensor(values.data(), DType::kInt32, {static_cast<int64_t>(values.size())});
}

}  // namespace

PagedModel::PagedModel(const std::filesystem::path& dir, PagedModelOptions options)
    : config_(load_config(dir, options)),
      max_model_len_(
          options.max_model_len > 0 ? options.max_model_len : config_.derived_max_model_len()
      ),
      pool_(options.num_threads),
      stream_(Stream::cpu(pool_)),
      source_(
          options.dummy_weights ? WeightSource::dummy(options.dtype, 0)
                                : WeightSource::open_safetensors(dir)
      ),
      num_computed_tokens_(kMaxReqs) {
  const LoadOptions load{.dtype = options.dtype, .max_model_len = max_model_len_};
  model_ = load_model(config_, load, WeightScope(source_), stream_);
  const int num_blocks = 1 + kMaxReqs * ceil_div(max_model_len_, kBlockSize);
  for (KVCacheSpec spec : model_->kv_cache_specs()) {
    spec.block_size = kBlockSize;
    const size_t num_bytes = ops::kv_cache_bytes(
        num_blocks, spec.block_size, spec.num_kv_heads, spec.head_dim, spec.dtype
    );
    const Storage& cache = caches_.emplace_back(num_bytes);
    backends_.push_back(make_cpu_attention(spec, max_model_len_));
    const auto num_elements = static_cast<int64_t>(num_bytes / dtype_size(spec.dtype));
    layer_caches_.push_back({cache.tensor(spec.dtype, {num_elements}), backends_.back().get()});
  }
}

PagedBatch PagedModel::make_batch(std::span<const Piece> pieces) {
  for (auto* array : {&token_ids_, &seq_lens_, &positions_, &block_table_, &slot_mapping_}) {
    array->clear();
  }
  query_start_loc_.assign(1, 0);
  const int max_num_blocks = ceil_div(max_model_len_, kBlockSize);
  for (const Piece& piece : pieces) {
    const int first = num_computed_tokens_[piece.idx];
    const int end = first + static_cast<int>(piece.token_ids.size());
    token_ids_.insert(token_ids_.end(), piece.token_ids.begin(), piece.token_ids.end());
    for (int position = first; position < end; ++position) {
      const int block = block_of(piece.idx, position / kBlockSize);
      positions_.push_back(position);
      slot_mapping_.push_back(block * kBlockSize + position % kBlockSize);
    }
    for (int i = 0; i < max_num_blocks; ++i)
      block_table_.push_back(block_of(piece.idx, i));
    query_start_loc_.push_back(static_cast<int32_t>(token_ids_.size()));
    seq_lens_.push_back(end);
    num_computed_tokens_[piece.idx] = end;
  }
  const auto num_reqs = static_cast<int>(pieces.size());
  return {
      .num_reqs = num_reqs,
      .num_tokens = static_cast<int>(token_ids_.size()),
      .block_size = kBlockSize,
      .query_start_loc = view_of(query_start_loc_),
      .seq_lens = view_of(seq_lens_),
      .positions = view_of(positions_),
      .block_table = view_of(block_table_).view({num_reqs, max_num_blocks}),
      .slot_mapping = view_of(slot_mapping_),
  };
}

std::vector<Logits> PagedModel::step(std::span<const Piece> pieces) {
  const PagedBatch batch = make_batch(pieces);
  Arena arena(model_->workspace_bytes(batch.num_tokens, batch.num_tokens));
  for (const auto& backend : backends_)
    backend->plan(stream_, batch);
  const ForwardContext ctx{.stream = stream_, .arena = &arena, .layer_caches = layer_caches_};
  const Tensor hidden_states = model_->forward(view_of(token_ids_), ctx);
  const Tensor logits = model_->compute_logits(hidden_states, ctx);
  ++num_passes_;
  std::vector<Logits> result(pieces.size());
  const float* row = logits.data<float>();
  for (size_t i = 0; i < pieces.size(); ++i) {
    for (size_t j = 0; j < pieces[i].token_ids.size(); ++j, row += config_.vocab_size) {
      result[i].emplace_back(row, row + config_.vocab_size);
    }
  }
  return result;
}

void PagedModel::reset() {
  std::ranges::fill(num_computed_tokens_, 0);
}

Logits PagedModel::logits(std::span<const int32_t> prompt, int chunk_size) {
  reset();
  Logits rows;
  for (size_t begin = 0; begin < prompt.size(); begin += chunk_size) {
    const size_t size = std::min<size_t>(chunk_size, prompt.size() - begin);
    const Piece piece{.idx = 0, .token_ids = prompt.subspan(begin, size)};
    const std::vector<Logits> computed = step({&piece, 1});
    rows.insert(rows.end(), computed.front().begin(), computed.front().end());
  }
  return rows;
}

std::vector<Logits> PagedModel::batch_logits(const std::vector<std::vector<int32_t>>& prompts) {
  reset();
  std::vector<Piece> pieces;
  for (size_t i = 0; i < prompts.size(); ++i)
    pieces.push_back({static_cast<int>(i), prompts[i]});
  return step(pieces);
}

std::vector<int32_t> PagedModel::greedy(std::span<const int32_t> prompt, int num_tokens) {
  reset();
  std::vector<int32_t> output;
  std::span<const int32_t> next = prompt;
  while (static_cast<int>(output.size()) < num_tokens) {
    const Piece piece{.idx = 0, .token_ids = next};
    const std::vector<float> last = step({&piece, 1}).front().back();
    output.push_back(static_cast<int32_t>(std::ranges::max_element(last) - last.begin()));
    next = std::span(output).last(1);
  }
  return output;
}

}  // namespace quire::test
