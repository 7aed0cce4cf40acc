#pragma once

#include <vector>

#include "core/request.h"
#include "core/scheduler_interface.h"

namespace quire {

// The rows of one request of the batch, of rows in batch order; nullptr: it has none.
RequestLogprobs* find_rows(std::vector<RequestLogprobs>& rows, int req_idx);

// Moves rows of prompt logprobs to `told`. A request that was preempted computes its prompt again;
// what was told once is not told again. The step's first row is about the token behind the first
// computed one.
void take_prompt_logprobs(
    Request& request,
    const ScheduledRequest& scheduled,
    std::vector<TokenLogprobs>& positions,
    EngineCoreOutput& told
);

}  // namespace quire
