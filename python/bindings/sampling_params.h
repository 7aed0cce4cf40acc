#pragma once

#include <vector>

#include <nanobind/nanobind.h>

#include "quire/sampling_params.h"

namespace quire::python {

namespace nb = nanobind;

// Python's SamplingParams: the engine's, and what only Python code reads. Used under the GIL; the
// engine gets the part that it knows.
struct PySamplingParams : SamplingParams {
  PySamplingParams() = default;
  explicit PySamplingParams(SamplingParams params) : SamplingParams(std::move(params)) {}

  nb::object extra_args = nb::none();  // dict or None: for custom logits processors
  nb::object logits_processors = nb::none();  // list or None: of this request alone
};

// For the engine: with the logits processors that `custom` (a quire.logits_processors.Processors)
// makes of them. They are new ones at each call.
SamplingParams engine_params(const PySamplingParams& params, nb::handle custom);

}  // namespace quire::python
