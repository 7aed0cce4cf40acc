#include "quire/sampling_params.h"

#include <string_view>

#include <fmt/format.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "config/field_visitor.h"
#include "python/bindings/bindings.h"
#include "python/bindings/convert.h"

namespace quire::python {
namespace {

// vLLM's parameters that are not here, with what to do instead. None is accepted: they mean off.
struct AbsentParameter {
  const char* name;
  const char* instead;
};
constexpr AbsentParameter kAbsentParameters[] = {
    {"structured_outputs",
     "constrained output is not supported yet: ask for the format in the prompt and check the "
     "answer"},
    {"guided_decoding",
     "constrained output is not supported yet: ask for the format in the prompt and check the "
     "answer"},
    {"logits_processors",
     "vLLM V1 does not support per request user provided logits processors: use logit_bias, "
     "allowed_token_ids or bad_words"},
    {"best_of", "it was removed from vLLM: ask for n completions with logprobs and choose"},
    {"extra_args", "there are no custom logits processors that would read it"},
    {"thinking_token_budget", "thoughts are not limited: use max_tokens"},
    {"routed_experts_prompt_start", "models with experts are not supported"},
    {"truncate_prompt_tokens", "cut the prompt's token ids yourself"},
};

void refuse_unknown(const std::string& name, nb::handle value) {
  for (const AbsentParameter& absent : kAbsentParameters) {
    if (name != absent.name) continue;
    if (value.is_none()) return;
    throw nb::value_error(fmt::format("{}: {}.", name, absent.instead).c_str());
  }
  throw nb::type_error(fmt::format("Unexpected keyword argument '{}'", name).c_str());
}

// The parameters with shapes of their own.
bool read_other_field(const std::string& name, nb::handle value, SamplingParams& params) {
  if (name == "logit_bias") {
    params.logit_bias.clear();
    if (value.is_none()) return true;
    if (!PyDict_Check(value.ptr())) raise_type_error("logit_bias", "a dict", value);
    for (const auto [key, bias] : nb::borrow<nb::dict>(value)) {
      int32_t token_id = 0;
      double number = 0.0;
      read_value("logit_bias", PyUnicode_Check(key.ptr()) ? nb::int_(key) : key, token_id);
      read_value("logit_bias", bias, number);
      params.logit_bias[token_id] = static_cast<float>(number);
    }
    return true;
  }
  if (name == "output_kind") {
    params.output_kind = nb::cast<RequestOutputKind>(value);
    return true;
  }
  if (name == "repetition_detection") {
    params.repetition_detection.reset();
    if (!value.is_none()) params.repetition_detection = nb::cast<RepetitionDetection>(value);
    return true;
  }
  // Neither changes what comes out.
  return name == "skip_clone" || name == "flat_logprobs";
}

void set_field(SamplingParams& params, const std::string& name, nb::handle value) {
  if (read_other_field(name, value, params)) return;
  bool is_known = false;
  visit_sampling_fields(params, [&](const char* known, auto& member, const char*, const char*) {
    if (name != known) return;
    is_known = true;
    using Member = std::remove_reference_t<decltype(member)>;
    // None is "not given" for the lists of vLLM.
    constexpr bool is_list = std::is_same_v<Member, std::vector<std::string>> ||
                             std::is_same_v<Member, std::vector<int32_t>>;
    if (is_list && value.is_none()) {
      member = Member();
    } else {
      read_value(known, value, member);
    }
  });
  if (!is_known) refuse_unknown(name, value);
}

SamplingParams params_from(const nb::kwargs& kwargs) {
  SamplingParams params;
  for (const auto [key, value] : kwargs)
    set_field(params, nb::cast<std::string>(key), value);
  params.validate();
  return params;
}

std::string repr(const SamplingParams& params) {
  std::string text = "SamplingParams(";
  const char* comma = "";
  visit_sampling_fields(
      params,
      [&](const char* name, const auto& member, const char*, const char*) {
        const std::string value = nb::cast<std::string>(nb::repr(nb::cast(member)));
        text += fmt::format("{}{}={}", comma, name, value);
        comma = ", ";
      }
  );
  return text + ")";
}

template <class T>
constexpr std::string_view kTypeName = "int";
template <>
constexpr std::string_view kTypeName<bool> = "bool";
template <>
constexpr std::string_view kTypeName<double> = "float";
template <>
constexpr std::string_view kTypeName<std::vector<std::string>> = "str | list[str] | None";
template <>
constexpr std::string_view kTypeName<std::vector<int32_t>> = "list[int] | None";
template <class T>
constexpr std::string_view kTypeName<std::optional<T>> = kTypeName<T>;

template <class T>
constexpr bool kMayBeNone = false;
template <class T>
constexpr bool kMayBeNone<std::optional<T>> = !kTypeName<T>.ends_with("None");

// Of __init__, for editors and type checkers.
std::string signature() {
  std::string text = "def __init__(self, *";
  const SamplingParams defaults;
  visit_sampling_fields(
      defaults,
      [&](const char* name, const auto& member, const char*, const char*) {
        using Member = std::remove_cvref_t<decltype(member)>;
        const std::string value = nb::cast<std::string>(nb::repr(nb::cast(member)));
        const char* none = kMayBeNone<Member> ? " | None" : "";
        text += fmt::format(", {}: {}{} = {}", name, kTypeName<Member>, none, value);
      }
  );
  return text +
         ", logit_bias: dict[int, float] | None = None"
         ", output_kind: RequestOutputKind = ..."
         ", repetition_detection: RepetitionDetectionParams | None = None) -> None";
}

// All fields, so that pickle and copy need no list of their own.
nb::dict to_dict(const SamplingParams& params) {
  nb::dict fields;
  visit_sampling_fields(
      params,
      [&](const char* name, const auto& member, const char*, const char*) {
        fields[name] = nb::cast(member);
      }
  );
  fields["logit_bias"] = params.logit_bias.empty() ? nb::none() : nb::cast(params.logit_bias);
  fields["output_kind"] = nb::cast(params.output_kind);
  return fields;
}

// A property for every field of the list. The place of a member in the struct is the same in all.
void bind_fields(nb::class_<SamplingParams>& cls) {
  static SamplingParams sample;
  visit_sampling_fields(sample, [&](const char* name, auto& member, const char*, const char* help) {
    using Member = std::remove_reference_t<decltype(member)>;
    const ptrdiff_t offset =
        reinterpret_cast<std::byte*>(&member) - reinterpret_cast<std::byte*>(&sample);
    cls.def_prop_rw(
        name,
        [offset](const SamplingParams& params) {
          const auto* bytes = reinterpret_cast<const std::byte*>(&params) + offset;
          return *reinterpret_cast<const Member*>(bytes);
        },
        [name = std::string(name)](SamplingParams& params, nb::handle value) {
          set_field(params, name, value);
        },
        nb::for_setter(nb::arg("value").none()),
        help
    );
  });
  cls.def_prop_rw(
      "logit_bias",
      [](const SamplingParams& params) {
        return params.logit_bias.empty() ? nb::object(nb::none()) : nb::cast(params.logit_bias);
      },
      [](SamplingParams& params, nb::handle value) { set_field(params, "logit_bias", value); },
      nb::for_setter(nb::arg("value").none()),
      "Token id to what is added to its logit, in [-100, 100]."
  );
  cls.def_rw("output_kind", &SamplingParams::output_kind);
  cls.def_rw("repetition_detection", &SamplingParams::repetition_detection, nb::arg().none());
}

void bind_beam_search_params(nb::module_& m) {
  nb::class_<BeamSearchParams>(m, "BeamSearchParams")
      .def(
          "__init__",
          [](BeamSearchParams* self,
             int beam_width,
             int max_tokens,
             bool ignore_eos,
             double temperature,
             double length_penalty,
             bool include_stop_str_in_output) {
            new (self) BeamSearchParams{
                .beam_width = beam_width,
                .max_tokens = max_tokens,
                .ignore_eos = ignore_eos,
                .temperature = temperature,
                .length_penalty = length_penalty,
                .include_stop_str_in_output = include_stop_str_in_output,
            };
          },
          nb::arg("beam_width"),
          nb::arg("max_tokens"),
          nb::arg("ignore_eos") = false,
          nb::arg("temperature") = 0.0,
          nb::arg("length_penalty") = 1.0,
          nb::arg("include_stop_str_in_output") = false
      )
      .def_rw("beam_width", &BeamSearchParams::beam_width)
      .def_rw("max_tokens", &BeamSearchParams::max_tokens)
      .def_rw("ignore_eos", &BeamSearchParams::ignore_eos)
      .def_rw("temperature", &BeamSearchParams::temperature)
      .def_rw("length_penalty", &BeamSearchParams::length_penalty)
      .def_rw("include_stop_str_in_output", &BeamSearchParams::include_stop_str_in_output);
}

}  // namespace

void bind_sampling_params(nb::module_& m) {
  nb::enum_<RequestOutputKind>(m, "RequestOutputKind")
      .value("CUMULATIVE", RequestOutputKind::kCumulative)
      .value("DELTA", RequestOutputKind::kDelta)
      .value("FINAL_ONLY", RequestOutputKind::kFinalOnly);
  nb::class_<RepetitionDetection>(m, "RepetitionDetectionParams")
      .def(
          "__init__",
          [](RepetitionDetection* self, int max_pattern_size, int min_pattern_size, int min_count) {
            new (self) RepetitionDetection{max_pattern_size, min_pattern_size, min_count};
          },
          nb::arg("max_pattern_size") = 0,
          nb::arg("min_pattern_size") = 1,
          nb::arg("min_count") = 2
      )
      .def_rw("max_pattern_size", &RepetitionDetection::max_pattern_size)
      .def_rw("min_pattern_size", &RepetitionDetection::min_pattern_size)
      .def_rw("min_count", &RepetitionDetection::min_count);
  nb::class_<SamplingParams> params(
      m, "SamplingParams", "How to sample one request. Names, defaults and rules are vLLM's."
  );
  static const std::string init_signature = signature();
  params.def(
      "__init__",
      [](SamplingParams* self, nb::kwargs kwargs) {
        new (self) SamplingParams(params_from(kwargs));
      },
      nb::sig(init_signature.c_str())
  );
  bind_fields(params);
  params.def("__repr__", &repr)
      .def(
          "__eq__",
          [](const SamplingParams& a, const SamplingParams& b) { return a == b; },
          nb::is_operator()
      )
      .def("clone", [](const SamplingParams& self) { return self; })
      .def("__copy__", [](const SamplingParams& self) { return self; })
      .def("__deepcopy__", [](const SamplingParams& self, nb::dict) { return self; })
      .def("__getstate__", &to_dict)
      .def("__setstate__", [](SamplingParams& self, nb::dict fields) {
        new (&self) SamplingParams(params_from(nb::borrow<nb::kwargs>(fields)));
      });
  bind_beam_search_params(m);
}

}  // namespace quire::python
