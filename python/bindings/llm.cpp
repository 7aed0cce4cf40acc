#include "quire/llm.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"
#include "python/bindings/convert.h"
#include "python/bindings/prompt.h"
#include "python/bindings/sampling_params.h"
#include "quire/tokenizer.h"

namespace quire::python {
namespace {

// Lets Ctrl-C end a call that waits without the GIL.
void check_signals() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

// No search for garbage while objects are made that are all in use: among thousands of them it
// takes a fifth of a call's Python time.
class PausedGarbageCollection {
 public:
  PausedGarbageCollection() : was_enabled_(PyGC_Disable() != 0) {}
  ~PausedGarbageCollection() {
    if (was_enabled_) PyGC_Enable();
  }
  PausedGarbageCollection(const PausedGarbageCollection&) = delete;
  PausedGarbageCollection& operator=(const PausedGarbageCollection&) = delete;

 private:
  bool was_enabled_;
};

nb::list outputs_to_python(std::vector<RequestOutput>&& outputs) {
  const PausedGarbageCollection paused;
  nb::list list;
  for (RequestOutput& output : outputs)
    list.append(to_python(std::move(output)));
  return list;
}

// An engine whose threads may want the GIL while it ends.
class NativeLLM : public LLM {
 public:
  using LLM::LLM;
  ~NativeLLM() {
    const nb::gil_scoped_release release;
    engine().shutdown();
  }
};

constexpr const char* kParamsForms = "a SamplingParams or a list of them";

const PySamplingParams& one_of(nb::handle params) {
  if (!nb::isinstance<PySamplingParams>(params))
    raise_type_error("sampling_params", kParamsForms, params);
  return nb::cast<const PySamplingParams&>(params);
}

// `params`: one SamplingParams or a list of them; one is for all prompts. With custom processors
// each prompt needs its own.
std::vector<SamplingParams> read_params(nb::handle params, nb::handle custom, size_t num_prompts) {
  std::vector<SamplingParams> all;
  nb::handle only = params;
  if (PyList_Check(params.ptr()) || PyTuple_Check(params.ptr())) {
    for (const nb::handle one : nb::iter(params)) {
      all.push_back(engine_params(one_of(one), custom));
      only = one;
    }
    if (all.size() != 1) return all;
  } else {
    all.push_back(engine_params(one_of(params), custom));
  }
  if (all.front().logits_processors.empty()) return all;
  while (all.size() < num_prompts)
    all.push_back(engine_params(one_of(only), custom));
  return all;
}

nb::list generate(
    NativeLLM& llm,
    nb::handle prompts,
    nb::handle params,
    bool use_tqdm,
    std::vector<int> priorities,
    nb::handle custom
) {
  const std::vector<Prompt> read = read_prompts(prompts);
  const std::vector<SamplingParams> all_params = read_params(params, custom, read.size());
  GenerateOptions options{.use_tqdm = use_tqdm, .priorities = std::move(priorities)};
  options.poll = check_signals;
  std::vector<RequestOutput> outputs;
  {
    const nb::gil_scoped_release release;
    outputs = llm.generate(read, all_params, options);
  }
  return outputs_to_python(std::move(outputs));
}

std::vector<std::string> enqueue(
    NativeLLM& llm,
    nb::handle prompts,
    nb::handle params,
    const std::vector<int>& priorities,
    nb::handle custom
) {
  const std::vector<Prompt> read = read_prompts(prompts);
  const std::vector<SamplingParams> all_params = read_params(params, custom, read.size());
  const nb::gil_scoped_release release;
  return llm.enqueue(read, all_params, priorities);
}

nb::list wait_for_completion(NativeLLM& llm, bool use_tqdm) {
  GenerateOptions options{.use_tqdm = use_tqdm};
  options.poll = check_signals;
  std::vector<RequestOutput> outputs;
  {
    const nb::gil_scoped_release release;
    outputs = llm.wait_for_completion(options);
  }
  return outputs_to_python(std::move(outputs));
}

nb::list beam_search(NativeLLM& llm, nb::handle prompts, const BeamSearchParams& params) {
  const std::vector<Prompt> read = read_prompts(prompts);
  std::vector<std::vector<BeamSearchSequence>> beams;
  {
    const nb::gil_scoped_release release;
    beams = llm.beam_search(read, params, check_signals);
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

using Release = nb::call_guard<nb::gil_scoped_release>;

void bind_generation(nb::class_<NativeLLM>& llm) {
  llm.def(
         "generate",
         &generate,
         nb::arg("prompts"),
         nb::arg("params"),
         nb::arg("use_tqdm"),
         nb::arg("priorities"),
         nb::arg("custom")
  )
      .def(
          "enqueue",
          &enqueue,
          nb::arg("prompts"),
          nb::arg("params"),
          nb::arg("priorities"),
          nb::arg("custom")
      )
      .def("wait_for_completion", &wait_for_completion, nb::arg("use_tqdm"))
      .def("beam_search", &beam_search, nb::arg("prompts"), nb::arg("params"))
      .def(
          "render_chat",
          [](NativeLLM& self,
             const std::string& request,
             const std::optional<std::string>& chat_template) {
            return render_chat_request(self.engine(), request, chat_template);
          },
          nb::arg("request"),
          nb::arg("chat_template").none(),
          Release()
      )
      .def(
          "default_sampling_params",
          [](NativeLLM& self) { return PySamplingParams(self.default_sampling_params()); }
      )
      .def(
          "reset_prefix_cache",
          [](NativeLLM& self, bool reset_running_requests) {
            return self.reset_prefix_cache(reset_running_requests);
          },
          Release()
      );
}

void bind_state(nb::class_<NativeLLM>& llm) {
  llm.def("tokenizer", [](NativeLLM& self) { return self.engine().tokenizer(); })
      .def("max_model_len", [](NativeLLM& self) { return self.engine().max_model_len(); })
      .def(
          "num_unfinished_requests",
          [](NativeLLM& self) { return self.engine().stats().num_unfinished_reqs; }
      )
      .def("max_num_seqs", [](NativeLLM& self) { return self.engine().max_num_seqs(); })
      .def(
          "sleep",
          [](NativeLLM& self, int level, const std::string& mode) {
            return self.engine().sleep(level, pause_mode_from(mode));
          },
          Release()
      )
      .def(
          "wake_up", [](NativeLLM& self) { self.engine().wake_up(); }, Release()
      )
      .def("is_sleeping", [](NativeLLM& self) { return self.engine().is_sleeping(); })
      .def("uses_v0", [](NativeLLM& self) { return self.engine().stats().uses_v0; })
      .def("metrics", [](NativeLLM& self) { return metrics_to_python(self.engine().metrics()); })
      .def(
          "shutdown", [](NativeLLM& self) { self.engine().shutdown(); }, Release()
      );
}

}  // namespace

void bind_llm(nb::module_& m) {
  nb::class_<NativeLLM> llm(m, "NativeLLM");
  llm.def("__init__", [](NativeLLM* self, const nb::dict& kwargs) {
    const EngineConfig config = engine_config_from(kwargs);
    const nb::gil_scoped_release release;
    new (self) NativeLLM(config);
  });
  bind_generation(llm);
  bind_state(llm);
}

}  // namespace quire::python
