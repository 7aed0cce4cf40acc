#pragma once

#include <functional>
#include <span>
#include <vector>

#include "quire/llm.h"

namespace quire {

// One token a round for all beams of all prompts; the prefix cache spares their common past.
std::vector<std::vector<BeamSearchSequence>> beam_search(
    LLM& llm,
    std::span<const Prompt> prompts,
    const BeamSearchParams& params,
    const std::function<void()>& poll
);

}  // namespace quire
