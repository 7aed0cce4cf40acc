#include "core/stats.h"

#include <algorithm>

namespace quire {

void SpecDecodingStats::observe_draft(int num_draft_tokens_of_it, int num_accepted_tokens_of_it) {
  ++num_drafts;
  num_draft_tokens += num_draft_tokens_of_it;
  num_accepted_tokens += num_accepted_tokens_of_it;
  const size_t length =
      std::max(num_accepted_tokens_per_pos.size(), static_cast<size_t>(num_draft_tokens_of_it));
  num_accepted_tokens_per_pos.resize(length);
  for (int pos = 0; pos < num_accepted_tokens_of_it; ++pos)
    ++num_accepted_tokens_per_pos[pos];
}

}  // namespace quire
