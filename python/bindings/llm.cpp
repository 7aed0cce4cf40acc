#include "quire/llm.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"
#include "python/bindings/convert.h"
#include "python/bindings/prompt.h"
#include "quire/tokenizer.h"

namespace quire::python {
namespace {

// Lets Ctrl-C end a call that waits without the GIL.
void check_signals() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

nb::list outputs_to_python(std::vector<RequestOutput>&& outputs) {
  nb::list list;
  for (RequestOutput& output : outputs)
    list.append(to_python(std::move(output)));
  return list;
}

// `params`: one SamplingParams or a list of them.
std::vector<SamplingParams> read_params(nb::handle params) {
  if (nb::isinstance<SamplingParams>(params)) return {nb::cast<SamplingParams>(params)};
  if (PyList_Check(params.ptr()) || PyTuple_Check(params.ptr()))
    return nb::cast<std::vector<SamplingParams>>(params);
  raise_type_error("sampling_params", "a SamplingParams or a list of them", params);
}

nb::list generate(
    LLM& llm, nb::handle prompts, nb::handle params, bool use_tqdm, std::vector<int> priorities
) {
  const std::vector<Prompt> read = read_prompts(prompts);
  const std::vector<SamplingParams> all_params = read_params(params);
  GenerateOptions options{.use_tqdm = use_tqdm, .priorities = std::move(priorities)};
  options.poll = check_signals;
  std::vector<RequestOutput> outputs;
  {
    const nb::gil_scoped_release release;
    outputs = llm.generate(read, all_params, options);
  }
  return outputs_to_python(std::move(outputs));
}

nb::list beam_search(LLM& llm, nb::handle prompts, const BeamSearchParams& params) {
  const std::vector<Prompt> read = read_prompts(prompts);
  std::vector<std::vector<BeamSearchSequence>> beams;
  {
    const nb::gil_scoped_release release;
    beams = llm.beam_search(read, params);
  }
  nb::list list;
  for (const auto& sequences : beams) {
    nb::list tuples;
    for (const BeamSearchSequence& s : sequences) {
      nb::object reason = nb::none();
      if (s.finish_reason) reason = nb::str(finish_reason_name(*s.finish_reason));
      tuples.append(nb::make_tuple(s.token_ids, s.text, s.cumulative_logprob, reason));
    }
    list.append(tuples);
  }
  return list;
}

}  // namespace

void bind_llm(nb::module_& m) {
  using Release = nb::call_guard<nb::gil_scoped_release>;
  nb::class_<LLM>(m, "NativeLLM")
      .def(
          "__init__",
          [](LLM* self, const nb::dict& kwargs) {
            const EngineConfig config = engine_config_from(kwargs);
            const nb::gil_scoped_release release;
            new (self) LLM(config);
          }
      )
      .def(
          "generate",
          &generate,
          nb::arg("prompts"),
          nb::arg("params"),
          nb::arg("use_tqdm"),
          nb::arg("priorities")
      )
      .def("beam_search", &beam_search, nb::arg("prompts"), nb::arg("params"))
      .def(
          "render_chat",
          [](LLM& self, const std::string& request, const std::optional<std::string>& chat_template
          ) { return render_chat_request(self.engine(), request, chat_template); },
          nb::arg("request"),
          nb::arg("chat_template").none(),
          Release()
      )
      .def("default_sampling_params", &LLM::default_sampling_params)
      .def("reset_prefix_cache", &LLM::reset_prefix_cache, Release())
      .def("tokenizer", [](LLM& self) { return self.engine().tokenizer(); })
      .def("max_model_len", [](LLM& self) { return self.engine().max_model_len(); })
      .def(
          "sleep",
          [](LLM& self, int level, const std::string& mode) {
            return self.engine().sleep(level, pause_mode_from(mode));
          },
          Release()
      )
      .def(
          "wake_up", [](LLM& self) { self.engine().wake_up(); }, Release()
      )
      .def("is_sleeping", [](LLM& self) { return self.engine().is_sleeping(); })
      .def("uses_v0", [](LLM& self) { return self.engine().stats().uses_v0; })
      .def("metrics", [](LLM& self) { return metrics_to_python(self.engine().metrics()); })
      .def(
          "shutdown", [](LLM& self) { self.engine().shutdown(); }, Release()
      );
}

}  // namespace quire::python
