#include "worker/null_runner.h"

#include <algorithm>

#include "base/check.h"

namespace quire {
namespace {

// A finalizer of splitmix64: neighbouring inputs give unrelated outputs.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::vector<int32_t> plain_token_ids_of(const ModelConfig& model) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < model.vocab_size; ++id) {
    if (std::ranges::find(model.eos_token_ids, id) == model.eos_token_ids.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace

NullRunner::NullRunner(
    const StepLimits& limits, const ModelConfig& model, const KVCacheConfig& kv_cache_config
)
    : inputs_(limits, kv_cache_config),
      plain_token_ids_(plain_token_ids_of(model)),
      prompt_hashes_(limits.max_num_seqs) {
  QUIRE_CHECK(!plain_token_ids_.empty(), "every token of the vocabulary ends the text");
  sampled_.reserve(limits.max_num_seqs);
  result_.sampled_token_ids.reserve(limits.max_num_seqs);
  result_.sampled_starts.reserve(limits.max_num_seqs + 1);
}

void NullRunner::execute(const SchedulerOutput& output) {
  inputs_.build(output);
  for (const int slot : inputs_.freed_slots())
    allowed_token_ids_.erase(slot);
  for (size_t i = 0; i < output.new_requests.size(); ++i)
    add_request(inputs_.new_slots()[i], output.new_requests[i]);
}

void NullRunner::add_request(int slot, const NewRequestData& data) {
  uint64_t hash = 0;
  for (const int32_t id : std::span(data.token_ids).first(data.num_prompt_tokens))
    hash = mix(hash + static_cast<uint64_t>(id) + 1);
  prompt_hashes_[slot] = hash;
  const auto& allowed = data.sampling_params.allowed_token_ids;
  if (allowed) allowed_token_ids_.emplace(slot, *allowed);
}

ModelRunnerOutput& NullRunner::sample() {
  result_.clear();
  sampled_.clear();
  for (const int r : inputs_.sampling_reqs()) {
    const BatchEntry& entry = inputs_.entries()[r];
    const int position = static_cast<int>(entry.token_ids.size());
    sampled_.push_back(token_id(entry.slot, position));
  }
  inputs_.append_sampled(sampled_, result_);
  return result_;
}

int32_t NullRunner::token_id(int slot, int position) const {
  const uint64_t draw = mix(prompt_hashes_[slot] + static_cast<uint64_t>(position));
  const auto pick = [draw](const std::vector<int32_t>& ids) { return ids[draw % ids.size()]; };
  if (!allowed_token_ids_.empty()) {
    const auto found = allowed_token_ids_.find(slot);
    if (found != allowed_token_ids_.end()) return pick(found->second);
  }
  return pick(plain_token_ids_);
}

std::vector<KVCacheSpec> kv_cache_specs_of(const ModelConfig& model, DType dtype) {
  std::vector<KVCacheSpec> specs;
  for (int layer = 0; layer < model.num_hidden_layers; ++layer) {
    specs.push_back({
        .num_kv_heads = model.num_key_value_heads,
        .head_dim = model.head_dim,
        .dtype = dtype,
        .sliding_window = model.is_sliding_layer[layer] ? model.sliding_window : std::nullopt,
    });
  }
  return specs;
}

}  // namespace quire
