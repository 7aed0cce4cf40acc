#pragma once

#include <optional>
#include <span>

#include "core/request.h"

namespace quire {

// Whether the request ends with the token appended last, and how. A stop token other than end of
// text is noted in request.stop_token_id. Checked in this order: min_tokens (which a full model
// overrules), end of text, stop tokens, length, repetition.
std::optional<RequestStatus> check_stop(Request& request, int max_model_len);

// Whether the tail is a pattern of an allowed size, min_count times in a row.
bool has_repetition(std::span<const int32_t> token_ids, const RepetitionDetection& detection);

}  // namespace quire
