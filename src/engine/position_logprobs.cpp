#include "engine/position_logprobs.h"

#include "quire/tokenizer.h"

namespace quire {

PositionLogprobs make_position_logprobs(
    const TokenLogprobs& logprobs,
    bool in_rank_order,
    const Tokenizer* tokenizer,
    std::span<const int32_t> preceding
) {
  PositionLogprobs position;
  position.reserve(logprobs.token_ids.size());
  for (size_t i = 0; i < logprobs.token_ids.size(); ++i) {
    const int32_t id = logprobs.token_ids[i];
    // The sampled token may be among the candidates again: its first entry says it all.
    if (i > 0 && id == logprobs.token_ids.front()) continue;
    Logprob entry;
    entry.logprob = logprobs.logprobs[i];
    if (i == 0) {
      entry.rank = logprobs.rank;
    } else if (in_rank_order) {
      entry.rank = static_cast<int32_t>(i);
    }
    if (tokenizer != nullptr) entry.decoded_token = tokenizer->token_text(id, preceding);
    position.emplace_back(id, std::move(entry));
  }
  return position;
}

}  // namespace quire
