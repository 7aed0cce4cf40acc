#include "worker/model_runner.h"

#include <algorithm>

#include "base/check.h"
#include "base/math.h"
#include "ops/embedding.h"

namespace quire {

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
      states_(config.max_num_seqs, config.max_model_len + 1),
      block_tables_(
          kv_cache_.num_groups(),
          config.max_num_seqs,
          ceil_div(config.max_model_len, std::ranges::min(kv_cache_.block_sizes()))
      ),
      batch_(
          kv_cache_.num_groups(),
          config.max_num_seqs,
          config.max_num_batched_tokens,
          block_tables_.max_num_blocks()
      ),
      sampler_(config.max_num_seqs, config.vocab_size, config.logprobs_mode, config.seed) {
  entries_.reserve(config.max_num_seqs);
  sampling_reqs_.reserve(config.max_num_seqs);
  logits_indices_.reserve(config.max_num_seqs);
  sampling_rows_.reserve(config.max_num_seqs);
  sampled_.token_ids.reserve(config.max_num_seqs);
  result_.sampled_token_ids.reserve(config.max_num_seqs);
  result_.sampled_starts.reserve(config.max_num_seqs + 1);
}

void ModelRunner::execute(const SchedulerOutput& output) {
  QUIRE_CHECK(output.block_copies.empty(), "this runner copies no blocks");
  arena_.reset();
  update_states(output);
  collect_entries(output);
  batch_.build(entries_, block_tables_, kv_cache_.block_sizes());
  run_forward();
}

void ModelRunner::release(uint64_t request_id) {
  const int slot = states_.remove(request_id);
  if (slot < 0) return;
  block_tables_.clear(slot);
  sampler_.remove_request(slot);
}

void ModelRunner::update_states(const SchedulerOutput& output) {
  for (const uint64_t id : output.finished_request_ids) {
    release(id);
  }
  for (const uint64_t id : output.preempted_request_ids) {
    release(id);
  }
  for (const NewRequestData& data : output.new_requests) {
    const int slot = states_.add(data);
    sampler_.add_request(slot, data.request_id, data.sampling_params);
  }
}

void ModelRunner::collect_entries(const SchedulerOutput& output) {
  entries_.clear();
  for (int r = 0; r < output.num_reqs(); ++r) {
    const ScheduledRequest& request = output.requests[r];
    const int slot = states_.slot_of(request.request_id);
    for (int group = 0; group < output.num_groups; ++group) {
      block_tables_.append(slot, group, output.new_blocks(r, group));
    }
    entries_.push_back(
        {slot, states_.token_ids(slot), request.num_computed_tokens, request.num_scheduled_tokens}
    );
  }
}

void ModelRunner::run_forward() {
  hidden_states_ = Tensor();
  if (batch_.num_tokens() == 0) return;
  for (int group = 0; group < kv_cache_.num_groups(); ++group) {
    const PagedBatch paged{
        .num_reqs = batch_.num_reqs(),
        .num_tokens = batch_.num_tokens(),
        .block_size = kv_cache_.block_sizes()[group],
        .query_start_loc = batch_.query_start_loc(),
        .seq_lens = batch_.seq_lens(),
        .positions = batch_.positions(),
        .block_table = batch_.block_table(group),
        .slot_mapping = batch_.slot_mapping(group),
    };
    kv_cache_.backend(group).plan(stream_, paged);
  }
  const ForwardContext ctx{stream_, &arena_, kv_cache_.layer_caches()};
  hidden_states_ = model_.forward(batch_.token_ids(), ctx);
}

ModelRunnerOutput& ModelRunner::sample() {
  result_.clear();
  collect_sampling_rows();
  collect_prompt_logprobs();
  sample_rows();
  return result_;
}

// A request samples when the step reached the last token that it has.
void ModelRunner::collect_sampling_rows() {
  sampling_reqs_.clear();
  logits_indices_.clear();
  sampling_rows_.clear();
  int row = 0;
  for (int r = 0; r < static_cast<int>(entries_.size()); ++r) {
    const BatchEntry& entry = entries_[r];
    row += entry.num_scheduled_tokens;
    const int end = entry.num_computed_tokens + entry.num_scheduled_tokens;
    if (end < static_cast<int>(entry.token_ids.size())) continue;
    sampling_reqs_.push_back(r);
    logits_indices_.push_back(row - 1);
    sampling_rows_.push_back({entry.slot, entry.token_ids, states_.num_prompt_tokens(entry.slot)});
  }
}

Tensor ModelRunner::sampling_logits() {
  const auto num_rows = static_cast<int64_t>(logits_indices_.size());
  const ForwardContext ctx{stream_, &arena_, kv_cache_.layer_caches()};
  const Tensor rows = ctx.allocate({num_rows, hidden_states_.size(1)});
  const Tensor indices(logits_indices_.data(), DType::kInt32, {num_rows});
  ops::gather_rows(stream_, hidden_states_, indices, rows);
  return model_.compute_logits(rows, ctx);
}

void ModelRunner::sample_rows() {
  sampled_.token_ids.clear();
  if (!sampling_rows_.empty()) {
    const Arena::Scope scope(arena_);
    sampler_.sample(stream_, sampling_logits(), sampling_rows_, arena_, sampled_);
  }
  size_t next = 0;
  result_.sampled_starts.push_back(0);
  for (int r = 0; r < static_cast<int>(entries_.size()); ++r) {
    if (next < sampling_reqs_.size() && sampling_reqs_[next] == r) {
      const int32_t token_id = sampled_.token_ids[next++];
      result_.sampled_token_ids.push_back(token_id);
      states_.append_token(entries_[r].slot, token_id);
    }
    result_.sampled_starts.push_back(static_cast<int>(result_.sampled_token_ids.size()));
  }
  for (size_t i = 0; i < sampled_.logprob_rows.size(); ++i) {
    RequestLogprobs& logprobs = result_.logprobs.emplace_back();
    logprobs.req_idx = sampling_reqs_[sampled_.logprob_rows[i]];
    logprobs.positions.push_back(std::move(sampled_.logprobs[i]));
  }
  sampled_.logprob_rows.clear();
  sampled_.logprobs.clear();
}

void ModelRunner::collect_prompt_logprobs() {
  for (int r = 0; r < static_cast<int>(entries_.size()); ++r) {
    const auto num_logprobs = states_.num_prompt_logprobs(entries_[r].slot);
    if (num_logprobs) add_prompt_logprobs(r, *num_logprobs);
  }
}

// The row of position p predicts token p + 1, as long as that one belongs to the prompt.
void ModelRunner::add_prompt_logprobs(int req_idx, int num_logprobs) {
  const BatchEntry& entry = entries_[req_idx];
  const int first = entry.num_computed_tokens;
  const int last =
      std::min(first + entry.num_scheduled_tokens, states_.num_prompt_tokens(entry.slot) - 1);
  if (first >= last) return;
  const int row_offset = batch_.query_start_loc().data<int32_t>()[req_idx] - first;
  const ForwardContext ctx{stream_, &arena_, kv_cache_.layer_caches()};
  RequestLogprobs& logprobs = result_.prompt_logprobs.emplace_back();
  logprobs.req_idx = req_idx;
  logprobs.positions.reserve(last - first);
  for (int start = first; start < last; start += kPromptLogitRows) {
    const int num_rows = std::min(kPromptLogitRows, last - start);
    const Arena::Scope scope(arena_);
    gather_prompt_logprobs(
        stream_,
        model_.compute_logits(hidden_states_.rows(start + row_offset, num_rows), ctx),
        entry.token_ids.subspan(start + 1, num_rows),
        num_logprobs,
        config_.logprobs_mode,
        arena_,
        logprobs.positions
    );
  }
}

}  // namespace quire
