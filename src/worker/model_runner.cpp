#include "worker/model_runner.h"

#include <algorithm>

#include "base/check.h"
#include "ops/embedding.h"

namespace quire {
namespace {

// What was started on the stream has ended when this does, also through an exception.
struct Synchronized {
  const Stream& stream;
  ~Synchronized() { stream.synchronize(); }
};

}  // namespace

size_t ModelRunner::workspace_bytes(const ModelRunnerConfig& config, const CausalLM& model) {
  const int num_rows = std::max(config.max_num_seqs, kPromptLogitRows);
  return model.workspace_bytes(config.max_num_batched_tokens, num_rows) +
         std::max(
             Sampler::workspace_bytes(config.num_threads, config.vocab_size),
             prompt_logprobs_workspace_bytes(config.num_threads, config.vocab_size)
         );
}

ModelRunner::ModelRunner(
    const ModelRunnerConfig& config,
    const CausalLM& model,
    const KVCacheConfig& kv_cache_config,
    const Stream& stream
)
    : config_(config),
      model_(model),
      stream_(stream),
      kv_cache_(kv_cache_config, stream, config.max_model_len),
      arena_(workspace_bytes(config, model), stream.device),
      inputs_(
          {config.max_num_seqs, config.max_num_batched_tokens, config.max_model_len},
          kv_cache_config
      ),
      sampler_(config.max_num_seqs, config.vocab_size, config.logprobs_mode, config.seed) {
  stream_.is_async = true;
  sampling_rows_.reserve(config.max_num_seqs);
  sampled_.token_ids.reserve(config.max_num_seqs);
  result_.sampled_token_ids.reserve(config.max_num_seqs);
  result_.sampled_starts.reserve(config.max_num_seqs + 1);
}

void ModelRunner::execute(const SchedulerOutput& output) {
  arena_.reset();
  kv_cache_.copy_blocks(stream_, output.block_copies);
  inputs_.build(output);
  update_sampler(output);
  run_forward();
}

void ModelRunner::update_sampler(const SchedulerOutput& output) {
  for (const int slot : inputs_.freed_slots())
    sampler_.remove_request(slot);
  for (size_t i = 0; i < output.new_requests.size(); ++i) {
    const NewRequestData& data = output.new_requests[i];
    sampler_.add_request(inputs_.new_slots()[i], data.request_id, data.sampling_params);
  }
}

void ModelRunner::run_forward() {
  hidden_states_ = Tensor();
  const InputBatch& batch = inputs_.batch();
  if (batch.num_tokens() == 0) return;
  for (int group = 0; group < kv_cache_.num_groups(); ++group) {
    const PagedBatch paged{
        .num_reqs = batch.num_reqs(),
        .num_tokens = batch.num_tokens(),
        .block_size = inputs_.block_sizes()[group],
        .query_start_loc = batch.query_start_loc(),
        .seq_lens = batch.seq_lens(),
        .positions = batch.positions(),
        .block_table = batch.block_table(group),
        .slot_mapping = batch.slot_mapping(group),
    };
    kv_cache_.backend(group).plan(stream_, paged);
  }
  const Synchronized synchronized{stream_};
  const ForwardContext ctx{stream_, &arena_, kv_cache_.layer_caches()};
  hidden_states_ = model_.forward(batch.token_ids(), ctx);
}

ModelRunnerOutput& ModelRunner::sample() {
  result_.clear();
  collect_prompt_logprobs();
  sample_rows();
  return result_;
}

Tensor ModelRunner::sampling_logits() {
  const std::span<const int32_t> row_indices = inputs_.logits_indices();
  const auto num_rows = static_cast<int64_t>(row_indices.size());
  const ForwardContext ctx{stream_, &arena_, kv_cache_.layer_caches()};
  const Tensor rows = ctx.allocate({num_rows, hidden_states_.size(1)});
  const Tensor indices(const_cast<int32_t*>(row_indices.data()), DType::kInt32, {num_rows});
  ops::gather_rows(stream_, hidden_states_, indices, rows);
  return compute_logits(rows, ctx);
}

// Done when it returns: samplers read what they like.
Tensor ModelRunner::compute_logits(const Tensor& rows, const ForwardContext& ctx) const {
  const Synchronized synchronized{stream_};
  return model_.compute_logits(rows, ctx);
}

void ModelRunner::sample_rows() {
  sampled_.token_ids.clear();
  sampling_rows_.clear();
  const std::span<const int> reqs = inputs_.sampling_reqs();
  for (const int r : reqs) {
    const BatchEntry& entry = inputs_.entries()[r];
    const int num_prompt_tokens = inputs_.states().num_prompt_tokens(entry.slot);
    sampling_rows_.push_back({entry.slot, entry.token_ids, num_prompt_tokens});
  }
  if (!sampling_rows_.empty()) {
    const Arena::Scope scope(arena_);
    sampler_.sample(stream_, sampling_logits(), sampling_rows_, arena_, sampled_);
  }
  inputs_.append_sampled(sampled_.token_ids, result_);
  for (size_t i = 0; i < sampled_.logprob_rows.size(); ++i) {
    RequestLogprobs& logprobs = result_.logprobs.emplace_back();
    logprobs.req_idx = reqs[sampled_.logprob_rows[i]];
    logprobs.positions.push_back(std::move(sampled_.logprobs[i]));
  }
  for (RowFailure& failure : sampled_.failures)
    result_.failures.push_back({reqs[failure.row], std::move(failure.reason)});
  sampled_.failures.clear();
  sampled_.logprob_rows.clear();
  sampled_.logprobs.clear();
}

void ModelRunner::collect_prompt_logprobs() {
  for (int r = 0; r < static_cast<int>(inputs_.entries().size()); ++r) {
    const auto num_logprobs = inputs_.states().num_prompt_logprobs(inputs_.entries()[r].slot);
    if (num_logprobs) add_prompt_logprobs(r, *num_logprobs);
  }
}

// The row of position p predicts token p + 1, as long as that one belongs to the prompt.
void ModelRunner::add_prompt_logprobs(int req_idx, int num_logprobs) {
  const BatchEntry& entry = inputs_.entries()[req_idx];
  const int first = entry.num_computed_tokens;
  const int num_prompt_tokens = inputs_.states().num_prompt_tokens(entry.slot);
  const int last = std::min(first + entry.num_scheduled_tokens, num_prompt_tokens - 1);
  if (first >= last) return;
  const int row_offset = inputs_.batch().query_start_loc().data<int32_t>()[req_idx] - first;
  const ForwardContext ctx{stream_, &arena_, kv_cache_.layer_caches()};
  RequestLogprobs& logprobs = result_.prompt_logprobs.emplace_back();
  logprobs.req_idx = req_idx;
  logprobs.positions.reserve(last - first);
  for (int start = first; start < last; start += kPromptLogitRows) {
    const int num_rows = std::min(kPromptLogitRows, last - start);
    const Arena::Scope scope(arena_);
    gather_prompt_logprobs(
        stream_,
        compute_logits(hidden_states_.rows(start + row_offset, num_rows), ctx),
        entry.token_ids.subspan(start + 1, num_rows),
        num_logprobs,
        config_.logprobs_mode,
        arena_,
        logprobs.positions
    );
  }
}

}  // namespace quire
