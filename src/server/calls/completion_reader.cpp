#include "server/calls/completion_reader.h"

namespace quire::server {

MessageDelta CompletionReader::take(const RequestOutput& output) {
  num_cached_tokens_ = output.num_cached_tokens;
  if (output.error) error_ = output.error;
  MessageDelta delta;
  for (const CompletionOutput& completion : output.outputs) {
    num_output_tokens_ += static_cast<int>(completion.token_ids.size());
    delta.append(parser_.push(completion.text));
    if (!completion.finish_reason) continue;
    delta.append(parser_.finish());
    finish_reason_ = completion.finish_reason;
    if (const auto* text = std::get_if<std::string>(&completion.stop_reason)) stop_string_ = *text;
  }
  if (!parallel_tool_calls_) delta.keep_first_tool_call();
  has_tool_calls_ = has_tool_calls_ || !delta.tool_calls.empty();
  return delta;
}

}  // namespace quire::server
