#pragma once

#include <cstdint>
#include <span>

#include "config/token_logprobs.h"
#include "quire/request_output.h"

namespace quire {

class Tokenizer;

// The engine core's candidates of one position, with their texts. `in_rank_order`: those after the
// first are the top k; otherwise they are the request's logprob_token_ids, whose ranks nobody
// counted. `preceding`: the tokens before this position, for those that continue a character.
// `tokenizer` may be nullptr: then there are no texts.
PositionLogprobs make_position_logprobs(
    const TokenLogprobs& logprobs,
    bool in_rank_order,
    const Tokenizer* tokenizer,
    std::span<const int32_t> preceding
);

}  // namespace quire
