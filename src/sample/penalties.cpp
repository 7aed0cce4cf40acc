#include "sample/penalties.h"

#include <algorithm>
#include <bit>

namespace quire {

void Penalties::reset(const SamplingParams& params) {
  repetition_ = static_cast<float>(params.repetition_penalty);
  frequency_ = static_cast<float>(params.frequency_penalty);
  presence_ = static_cast<float>(params.presence_penalty);
  enabled_ = repetition_ != 1.0f || frequency_ != 0.0f || presence_ != 0.0f;
  max_tokens_ = params.max_tokens.value_or(0);
  num_counted_ = 0;
  num_distinct_ = 0;
  std::fill(table_.begin(), table_.end(), Seen{});
}

void Penalties::update(std::span<const int32_t> token_ids, int num_prompt_tokens, int vocab_size) {
  if (token_ids.size() < num_counted_) {
    num_counted_ = 0;
    num_distinct_ = 0;
    std::fill(table_.begin(), table_.end(), Seen{});
  }
  if (num_counted_ == 0) {
    reserve(std::min<size_t>(token_ids.size() + max_tokens_, vocab_size));
  }
  for (; num_counted_ < token_ids.size(); ++num_counted_) {
    const bool is_output = num_counted_ >= static_cast<size_t>(num_prompt_tokens);
    add(token_ids[num_counted_], is_output ? 1 : 0);
  }
}

void Penalties::reserve(size_t num_distinct) {
  const size_t size = std::bit_ceil(2 * std::max<size_t>(num_distinct, 16));
  if (size <= table_.size()) return;
  std::vector<Seen> old(size);
  old.swap(table_);
  num_distinct_ = 0;
  for (const Seen& seen : old) {
    if (seen.token_id >= 0) add(seen.token_id, seen.output_count);
  }
}

void Penalties::add(int32_t token_id, int output_count) {
  if (2 * (num_distinct_ + 1) > table_.size()) reserve(2 * (num_distinct_ + 1));
  Seen& seen = find(token_id);
  if (seen.token_id < 0) {
    seen.token_id = token_id;
    ++num_distinct_;
  }
  seen.output_count += output_count;
}

// The token's place, or the free one where it belongs.
Penalties::Seen& Penalties::find(int32_t token_id) {
  const size_t mask = table_.size() - 1;
  size_t at = static_cast<uint32_t>(token_id) * size_t{0x9E3779B1} & mask;
  while (table_[at].token_id >= 0 && table_[at].token_id != token_id)
    at = (at + 1) & mask;
  return table_[at];
}

void Penalties::apply(std::span<float> logits) const {
  for (const Seen& seen : table_) {
    if (seen.token_id < 0 || static_cast<size_t>(seen.token_id) >= logits.size()) continue;
    float& logit = logits[seen.token_id];
    logit = logit > 0.0f ? logit / repetition_ : logit * repetition_;
    if (seen.output_count == 0) continue;
    logit -= frequency_ * static_cast<float>(seen.output_count);
    logit -= presence_;
  }
}

}  // namespace quire
