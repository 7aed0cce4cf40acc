#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"

namespace quire::python {
namespace {

// The classes of quire.outputs, looked up once and kept for the life of the process.
struct OutputClasses {
  nb::object request_output;
  nb::object completion_output;
  nb::object logprob;
  nb::object request_metrics;

  static const OutputClasses& get() {
    static const OutputClasses* const classes = [] {
      const nb::module_ m = nb::module_::import_("quire.outputs");
      return new OutputClasses{
          m.attr("RequestOutput"),
          m.attr("CompletionOutput"),
          m.attr("Logprob"),
          m.attr("RequestMetrics"),
      };
    }();
    return *classes;
  }
};

template <class T>
nb::object optional_to_python(const std::optional<T>& value) {
  return value ? nb::cast(*value) : nb::none();
}

// {token_id: Logprob}
nb::object position_to_python(const PositionLogprobs& position) {
  nb::dict candidates;
  for (const auto& [token_id, candidate] : position) {
    candidates[nb::int_(token_id)] = OutputClasses::get().logprob(
        candidate.logprob, optional_to_python(candidate.rank), candidate.decoded_token
    );
  }
  return candidates;
}

// An empty position is None: nothing predicts the first token of a prompt.
nb::object positions_to_python(const std::optional<std::vector<PositionLogprobs>>& positions) {
  if (!positions) return nb::none();
  nb::list list;
  for (const PositionLogprobs& position : *positions)
    list.append(position.empty() ? nb::none() : position_to_python(position));
  return list;
}

struct StopReasonToPython {
  nb::object operator()(std::monostate) const { return nb::none(); }
  nb::object operator()(int32_t token_id) const { return nb::int_(token_id); }
  nb::object operator()(const std::string& text) const { return nb::cast(text); }
};

nb::object completion_to_python(const CompletionOutput& completion) {
  nb::object finish_reason = nb::none();
  if (completion.finish_reason)
    finish_reason = nb::str(finish_reason_name(*completion.finish_reason));
  return OutputClasses::get().completion_output(
      completion.index,
      completion.text,
      completion.token_ids,
      optional_to_python(completion.cumulative_logprob),
      positions_to_python(completion.logprobs),
      finish_reason,
      std::visit(StopReasonToPython{}, completion.stop_reason)
  );
}

nb::object metrics_to_python(const RequestMetrics& metrics) {
  return OutputClasses::get().request_metrics(
      metrics.arrival_time,
      optional_to_python(metrics.first_scheduled_time),
      optional_to_python(metrics.first_token_time),
      optional_to_python(metrics.finished_time),
      metrics.num_preemptions
  );
}

}  // namespace

nb::object to_python(RequestOutput&& output) {
  PromptObjects prompt;
  return to_python(std::move(output), prompt);
}

nb::object to_python(RequestOutput&& output, PromptObjects& prompt) {
  if (!prompt.token_ids) {
    prompt.text = optional_to_python(output.prompt);
    prompt.token_ids = nb::cast(output.prompt_token_ids);
  }
  nb::list completions;
  for (const CompletionOutput& completion : output.outputs)
    completions.append(completion_to_python(completion));
  return OutputClasses::get().request_output(
      output.request_id,
      prompt.text,
      prompt.token_ids,
      positions_to_python(output.prompt_logprobs),
      completions,
      output.finished,
      metrics_to_python(output.metrics),
      output.num_cached_tokens,
      optional_to_python(output.error)
  );
}

}  // namespace quire::python
