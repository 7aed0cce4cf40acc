#include <algorithm>

#include "base/json_writer.h"
#include "quire/request_json.h"

namespace quire {
namespace {

constexpr float kLowestLogprob = -9999.0f;

void write_token_ids(JsonWriter& writer, const std::vector<int32_t>& token_ids) {
  writer.begin_array();
  for (const int32_t id : token_ids)
    writer.value(id);
  writer.end_array();
}

template <class T>
void write_optional(JsonWriter& writer, std::string_view name, const std::optional<T>& value) {
  writer.key(name);
  value ? writer.value(*value) : writer.null();
}

// PositionLogprobs has each token once.
void write_position(JsonWriter& writer, const PositionLogprobs& position) {
  writer.begin_object();
  for (const auto& [token_id, logprob] : position) {
    writer.key(std::to_string(token_id)).begin_object();
    writer.field("logprob", std::max(logprob.logprob, kLowestLogprob));
    write_optional(writer, "rank", logprob.rank);
    writer.field("decoded_token", logprob.decoded_token).end_object();
  }
  writer.end_object();
}

// The first prompt token has no entry of its own: null.
void write_logprobs(
    JsonWriter& writer,
    std::string_view name,
    const std::optional<std::vector<PositionLogprobs>>& logprobs
) {
  writer.key(name);
  if (!logprobs) {
    writer.null();
    return;
  }
  writer.begin_array();
  for (const PositionLogprobs& position : *logprobs) {
    if (position.empty()) {
      writer.null();
    } else {
      write_position(writer, position);
    }
  }
  writer.end_array();
}

void write_stop_reason(JsonWriter& writer, const CompletionOutput& completion) {
  writer.key("stop_reason");
  if (const auto* token_id = std::get_if<int32_t>(&completion.stop_reason)) {
    writer.value(*token_id);
  } else if (const auto* text = std::get_if<std::string>(&completion.stop_reason)) {
    writer.value(*text);
  } else {
    writer.null();
  }
}

void write_completion(JsonWriter& writer, const CompletionOutput& completion) {
  writer.begin_object();
  writer.field("index", completion.index).field("text", completion.text).key("token_ids");
  write_token_ids(writer, completion.token_ids);
  write_optional(writer, "cumulative_logprob", completion.cumulative_logprob);
  write_logprobs(writer, "logprobs", completion.logprobs);
  writer.key("finish_reason");
  if (completion.finish_reason) {
    writer.value(finish_reason_name(*completion.finish_reason));
  } else {
    writer.null();
  }
  write_stop_reason(writer, completion);
  writer.end_object();
}

void write_metrics(JsonWriter& writer, const RequestMetrics& metrics) {
  writer.key("metrics").begin_object().field("arrival_time", metrics.arrival_time);
  write_optional(writer, "first_scheduled_time", metrics.first_scheduled_time);
  write_optional(writer, "first_token_time", metrics.first_token_time);
  write_optional(writer, "finished_time", metrics.finished_time);
  writer.field("num_preemptions", metrics.num_preemptions).end_object();
}

}  // namespace

void append_request_output_json(std::string& out, const RequestOutput& output) {
  JsonWriter writer(out);
  writer.begin_object().field("request_id", output.request_id);
  write_optional(writer, "prompt", output.prompt);
  writer.key("prompt_token_ids");
  write_token_ids(writer, output.prompt_token_ids);
  write_logprobs(writer, "prompt_logprobs", output.prompt_logprobs);
  writer.key("outputs").begin_array();
  for (const CompletionOutput& completion : output.outputs)
    write_completion(writer, completion);
  writer.end_array();
  writer.field("finished", output.finished).field("num_cached_tokens", output.num_cached_tokens);
  write_metrics(writer, output.metrics);
  if (output.error) writer.field("error", *output.error);
  writer.end_object();
}

}  // namespace quire
