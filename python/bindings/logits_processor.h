#pragma once

#include <memory>

#include <nanobind/nanobind.h>

#include "quire/logits_processor.h"

namespace quire::python {

namespace nb = nanobind;

// Calls `function(prompt_token_ids, output_token_ids, logits)`: two lists, of which the second
// grows, and the row as a numpy array [vocab_size] float32 that is not a copy. The caller holds the
// GIL; the engine's thread takes it for each call.
std::shared_ptr<LogitsProcessor> make_logits_processor(nb::object function);

}  // namespace quire::python
