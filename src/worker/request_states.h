#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/scheduler_output.h"
#include "tensor/storage.h"

namespace quire {

// What the runner keeps of every live request, in a slot that stays the same from its first step to
// its last (or to its preemption). Sized once: a steady decode allocates nothing.
class RequestStates {
 public:
  // token_ids hold up to max_num_tokens per request.
  RequestStates(int max_num_slots, int max_num_tokens);

  // Takes a free slot; the id must be new.
  int add(const NewRequestData& data);
  // The slot it had; -1: the id is unknown (it never reached the runner).
  int remove(uint64_t request_id);
  int slot_of(uint64_t request_id) const;

  void append_token(int slot, int32_t token_id);
  std::span<const int32_t> token_ids(int slot) const;
  int num_prompt_tokens(int slot) const { return slots_[slot].num_prompt_tokens; }
  std::optional<int> num_prompt_logprobs(int slot) const { return slots_[slot].prompt_logprobs; }
  int num_live() const { return static_cast<int>(slot_of_.size()); }

 private:
  struct Slot {
    int num_tokens = 0;
    int num_prompt_tokens = 0;
    std::optional<int> prompt_logprobs;
  };

  int32_t* tokens(int slot) const {
    return static_cast<int32_t*>(token_ids_.data()) + static_cast<size_t>(slot) * max_num_tokens_;
  }

  int max_num_tokens_;
  Storage token_ids_;  // [max_num_slots, max_num_tokens] int32
  std::vector<Slot> slots_;
  std::vector<int> free_slots_;
  std::unordered_map<uint64_t, int> slot_of_;
};

}  // namespace quire
