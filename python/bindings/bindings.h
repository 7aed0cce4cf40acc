#pragma once

#include <vector>

#include <nanobind/nanobind.h>

#include "quire/engine_config.h"
#include "quire/metrics.h"
#include "quire/request_output.h"

// The extension module quire._quire: each file of this folder adds its part. Python classes that
// only hold values (outputs) are written in Python and made here.
namespace quire::python {

namespace nb = nanobind;

void bind_errors(nb::module_& m);
void bind_sampling_params(nb::module_& m);
void bind_llm(nb::module_& m);  // offline
void bind_engine(nb::module_& m);  // request by request
void bind_tokenizer(nb::module_& m);

// Keyword arguments by the names of EngineConfig. TypeError for unknown names.
EngineConfig engine_config_from(const nb::dict& kwargs);

nb::list engine_fields();

// quire.outputs.RequestOutput. The caller holds the GIL.
nb::object to_python(RequestOutput&& output);

// Objects of quire.metrics. The caller holds the GIL.
nb::list metrics_to_python(const std::vector<Metric>& metrics);

}  // namespace quire::python
