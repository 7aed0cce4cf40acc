#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>

#include "quire/async_engine.h"
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
void bind_migration(nb::module_& m);  // what becomes of scripts and command lines for vLLM

// Keyword arguments by the names of EngineConfig. TypeError for unknown names.
EngineConfig engine_config_from(const nb::dict& kwargs);

// [(name, help)] of all options of EngineConfig, in the order of --help.
nb::list engine_fields();

// (accepted, instead) of an option of vLLM that is not here: the values that are taken all the
// same, with | between ("on" or "off": True or False), and what to do instead of others.
std::optional<std::pair<std::string, std::string>> foreign_option(const std::string& name);

// By vLLM's names: abort, wait, keep. ValueError for others.
PauseMode pause_mode_from(const std::string& mode);

// What all outputs of a request show of its prompt: made with the first, shared by the others.
struct PromptObjects {
  nb::object text;
  nb::object token_ids;
};

// quire.outputs.RequestOutput. The caller holds the GIL.
nb::object to_python(RequestOutput&& output, PromptObjects& prompt);
nb::object to_python(RequestOutput&& output);

// Objects of quire.metrics. The caller holds the GIL.
nb::list metrics_to_python(const std::vector<Metric>& metrics);

}  // namespace quire::python
