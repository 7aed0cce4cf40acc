#include "python/bindings/sampling_params.h"

#include <string_view>
#include <tuple>

#include <fmt/format.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "config/field_visitor.h"
#include "python/bindings/bindings.h"
#include "python/bindings/convert.h"
#include "python/bindings/logits_processor.h"

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
    {"best_of", "it was removed from vLLM: ask for n completions with logprobs and choose"},
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
bool read_other_field(const std::string& name, nb::handle value, PySamplingParams& params) {
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
    if (!nb::try_cast(value, params.output_kind))
      raise_type_error(name.c_str(), "a RequestOutputKind", value);
    return true;
  }
  if (name == "repetition_detection") {
    params.repetition_detection.reset();
    if (value.is_none()) return true;
    if (!nb::try_cast(value, params.repetition_detection.emplace()))
      raise_type_error(name.c_str(), "a RepetitionDetectionParams", value);
    return true;
  }
  if (name == "extra_args") {
    if (!value.is_none() && !PyDict_Check(value.ptr()))
      raise_type_error(name.c_str(), "a dict", value);
    params.extra_args = nb::borrow(value);
    return true;
  }
  if (name == "logits_processors") {
    if (!value.is_none() && !PyList_Check(value.ptr()))
      raise_type_error(name.c_str(), "a list", value);
    params.logits_processors = nb::borrow(value);
    return true;
  }
  // Neither changes what comes out.
  return name == "skip_clone" || name == "flat_logprobs";
}

void set_field(PySamplingParams& params, const std::string& name, nb::handle value) {
  if (read_other_field(name, value, params)) return;
  bool is_known = false;
  SamplingParams& fields = params;
  visit_sampling_fields(fields, [&](const char* known, auto& member, const char*, const char*) {
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

PySamplingParams params_from(const nb::kwargs& kwargs) {
  PySamplingParams params;
  for (const auto [key, value] : kwargs)
    set_field(params, nb::cast<std::string>(key), value);
  params.validate();
  return params;
}

bool equal(const PySamplingParams& a, const PySamplingParams& b) {
  const SamplingParams& own = a;
  return own == b && a.extra_args.equal(b.extra_args) &&
         a.logits_processors.equal(b.logits_processors);
}

std::string repr(const PySamplingParams& params) {
  std::string text = "SamplingParams(";
  const char* comma = "";
  const SamplingParams& fields = params;
  visit_sampling_fields(
      fields,
      [&](const char* name, const auto& member, const char*, const char*) {
        const std::string value = nb::cast<std::string>(nb::repr(nb::cast(member)));
        text += fmt::format("{}{}={}", comma, name, value);
        comma = ", ";
      }
  );
  return text + fmt::format(", extra_args={})", nb::repr(params.extra_args).c_str());
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

// Those with shapes of their own.
constexpr std::pair<const char*, std::string_view> kOtherFields[] = {
    {"logit_bias", "dict[int, float] | None"},
    {"output_kind", "RequestOutputKind"},
    {"repetition_detection", "RepetitionDetectionParams | None"},
    {"extra_args", "dict[str, Any] | None"},
    {"logits_processors", "list[Callable[..., Any]] | None"},
};

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
  for (const auto& [name, type] : kOtherFields)
    text += fmt::format(", {}: {} = {}", name, type, type.ends_with("None") ? "None" : "...");
  return text + ") -> None";
}

// Names and types, as of a Python class: programs look there for what this version knows.
nb::dict annotations() {
  nb::dict types;
  const SamplingParams defaults;
  visit_sampling_fields(
      defaults,
      [&](const char* name, const auto& member, const char*, const char*) {
        using Member = std::remove_cvref_t<decltype(member)>;
        const char* none = kMayBeNone<Member> ? " | None" : "";
        types[name] = nb::str(fmt::format("{}{}", kTypeName<Member>, none).c_str());
      }
  );
  for (const auto& [name, type] : kOtherFields)
    types[name] = nb::str(type.data(), type.size());
  return types;
}

// All fields, so that pickle and copy need no list of their own.
nb::dict to_dict(const PySamplingParams& params) {
  nb::dict fields;
  const SamplingParams& own = params;
  visit_sampling_fields(own, [&](const char* name, const auto& member, const char*, const char*) {
    fields[name] = nb::cast(member);
  });
  fields["logit_bias"] = params.logit_bias.empty() ? nb::none() : nb::cast(params.logit_bias);
  fields["output_kind"] = nb::cast(params.output_kind);
  fields["repetition_detection"] = nb::cast(params.repetition_detection);
  fields["extra_args"] = params.extra_args;
  fields["logits_processors"] = params.logits_processors;
  return fields;
}

// extra_args is the caller's own object; rules that run with the original must not see what becomes
// of the copy.
PySamplingParams deep_copy(const PySamplingParams& params) {
  PySamplingParams copy = params;
  copy.extra_args = nb::module_::import_("copy").attr("deepcopy")(params.extra_args);
  return copy;
}

void bind_python_fields(nb::class_<PySamplingParams>& cls) {
  const auto setter = [](const char* name) {
    return [name](PySamplingParams& params, nb::handle value) { set_field(params, name, value); };
  };
  cls.def_prop_rw(
      "output_kind",
      [](const PySamplingParams& params) { return params.output_kind; },
      setter("output_kind")
  );
  cls.def_prop_rw(
      "repetition_detection",
      [](const PySamplingParams& params) { return params.repetition_detection; },
      setter("repetition_detection"),
      nb::for_setter(nb::arg("value").none())
  );
  cls.def_prop_rw(
      "extra_args",
      [](const PySamplingParams& params) { return params.extra_args; },
      setter("extra_args"),
      nb::for_setter(nb::arg("value").none()),
      "What the custom logits processors of the engine are told of this request."
  );
  cls.def_prop_rw(
      "logits_processors",
      [](const PySamplingParams& params) { return params.logits_processors; },
      setter("logits_processors"),
      nb::for_setter(nb::arg("value").none()),
      "Functions of this request alone, for the V0 engine."
  );
}

// A property for every field of the list. The place of a member in the struct is the same in all.
void bind_fields(nb::class_<PySamplingParams>& cls) {
  static SamplingParams sample;
  visit_sampling_fields(sample, [&](const char* name, auto& member, const char*, const char* help) {
    using Member = std::remove_reference_t<decltype(member)>;
    const ptrdiff_t offset =
        reinterpret_cast<std::byte*>(&member) - reinterpret_cast<std::byte*>(&sample);
    cls.def_prop_rw(
        name,
        [offset](const PySamplingParams& params) {
          const SamplingParams& fields = params;
          const auto* bytes = reinterpret_cast<const std::byte*>(&fields) + offset;
          return *reinterpret_cast<const Member*>(bytes);
        },
        [name = std::string(name)](PySamplingParams& params, nb::handle value) {
          set_field(params, name, value);
        },
        nb::for_setter(nb::arg("value").none()),
        help
    );
  });
  cls.def_prop_rw(
      "logit_bias",
      [](const PySamplingParams& params) {
        return params.logit_bias.empty() ? nb::object(nb::none()) : nb::cast(params.logit_bias);
      },
      [](PySamplingParams& params, nb::handle value) { set_field(params, "logit_bias", value); },
      nb::for_setter(nb::arg("value").none()),
      "Token id to what is added to its logit, in [-100, 100]."
  );
  bind_python_fields(cls);
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

SamplingParams engine_params(const PySamplingParams& params, nb::handle custom) {
  SamplingParams known = params;
  const bool has_own = !params.extra_args.is_none() || !params.logits_processors.is_none();
  if (!has_own && !nb::cast<bool>(custom.attr("serves_all"))) return known;
  for (const nb::handle function : nb::iter(custom.attr("for_request")(params)))
    known.logits_processors.push_back(make_logits_processor(nb::borrow(function)));
  return known;
}

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
      .def_rw("min_count", &RepetitionDetection::min_count)
      .def(
          "__getstate__",
          [](const RepetitionDetection& self) {
            return nb::make_tuple(self.max_pattern_size, self.min_pattern_size, self.min_count);
          }
      )
      .def("__setstate__", [](RepetitionDetection& self, std::tuple<int, int, int> state) {
        const auto [max_pattern_size, min_pattern_size, min_count] = state;
        new (&self) RepetitionDetection{max_pattern_size, min_pattern_size, min_count};
      });
  nb::class_<PySamplingParams> params(
      m, "SamplingParams", "How to sample one request. Names, defaults and rules are vLLM's."
  );
  static const std::string init_signature = signature();
  params.def(
      "__init__",
      [](PySamplingParams* self, nb::kwargs kwargs) {
        new (self) PySamplingParams(params_from(kwargs));
      },
      nb::sig(init_signature.c_str())
  );
  bind_fields(params);
  params.attr("__annotations__") = annotations();
  params.def("__repr__", &repr)
      .def("__eq__", &equal, nb::is_operator())
      .def("clone", &deep_copy)
      .def("__copy__", [](const PySamplingParams& self) { return self; })
      .def("__deepcopy__", [](const PySamplingParams& self, nb::dict) { return deep_copy(self); })
      .def("__getstate__", &to_dict)
      .def("__setstate__", [](PySamplingParams& self, nb::dict fields) {
        new (&self) PySamplingParams(params_from(nb::borrow<nb::kwargs>(fields)));
      });
  bind_beam_search_params(m);
}

}  // namespace quire::python
