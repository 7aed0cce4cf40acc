#include "worker/request_states.h"

#include <algorithm>

#include "base/check.h"

namespace quire {

RequestStates::RequestStates(int max_num_slots, int max_num_tokens)
    : max_num_tokens_(max_num_tokens),
      token_ids_(Storage::for_tensor(DType::kInt32, {max_num_slots, max_num_tokens})),
      slots_(max_num_slots) {
  for (int slot = max_num_slots - 1; slot >= 0; --slot) {
    free_slots_.push_back(slot);
  }
  slot_of_.reserve(2 * static_cast<size_t>(max_num_slots));
}

int RequestStates::add(const NewRequestData& data) {
  QUIRE_CHECK(!free_slots_.empty(), "no free slot for request {}", data.request_id);
  QUIRE_CHECK(!slot_of_.contains(data.request_id), "request {} is known", data.request_id);
  const int num_tokens = static_cast<int>(data.token_ids.size());
  QUIRE_CHECK(num_tokens <= max_num_tokens_, "{} tokens, room for {}", num_tokens, max_num_tokens_);
  const int slot = free_slots_.back();
  free_slots_.pop_back();
  slot_of_.emplace(data.request_id, slot);
  slots_[slot] = {num_tokens, data.num_prompt_tokens, data.sampling_params.prompt_logprobs};
  std::copy(data.token_ids.begin(), data.token_ids.end(), tokens(slot));
  return slot;
}

int RequestStates::remove(uint64_t request_id) {
  const auto it = slot_of_.find(request_id);
  if (it == slot_of_.end()) return -1;
  const int slot = it->second;
  slot_of_.erase(it);
  free_slots_.push_back(slot);
  return slot;
}

int RequestStates::slot_of(uint64_t request_id) const {
  const auto it = slot_of_.find(request_id);
  QUIRE_CHECK(it != slot_of_.end(), "request {} is unknown to the runner", request_id);
  return it->second;
}

void RequestStates::append_token(int slot, int32_t token_id) {
  Slot& state = slots_[slot];
  QUIRE_CHECK(state.num_tokens < max_num_tokens_, "slot {} is full", slot);
  tokens(slot)[state.num_tokens++] = token_id;
}

std::span<const int32_t> RequestStates::token_ids(int slot) const {
  return {tokens(slot), static_cast<size_t>(slots_[slot].num_tokens)};
}

}  // namespace quire
