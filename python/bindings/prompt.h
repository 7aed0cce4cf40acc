#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>

#include "quire/async_engine.h"

namespace quire::python {

namespace nb = nanobind;

// One prompt in vLLM's forms: a text, a list of token ids, {"prompt": text} or {"prompt_token_ids":
// ids}, the last two with an optional cache_salt. TypeError for others.
Prompt read_prompt(nb::handle prompt);

// A list of prompts, or one.
std::vector<Prompt> read_prompts(nb::handle prompts);

// A chat request in JSON, rendered: {"messages": …, "tools": …, "chat_template_kwargs": …,
// "add_generation_prompt": …, "continue_final_message": …}. `chat_template`: source of a template
// instead of the engine's. Gives text and token ids.
std::pair<std::string, std::vector<int32_t>> render_chat_request(
    const AsyncEngine& engine,
    const std::string& request,
    const std::optional<std::string>& chat_template
);

}  // namespace quire::python
