#include "server/completion_reader.h"

#include <iterator>

namespace quire::server {
namespace {

void append_delta(MessageDelta& delta, MessageDelta more) {
  delta.reasoning += more.reasoning;
  delta.content += more.content;
  delta.tool_calls.insert(
      delta.tool_calls.end(),
      std::make_move_iterator(more.tool_calls.begin()),
      std::make_move_iterator(more.tool_calls.end())
  );
}

}  // namespace

MessageDelta CompletionReader::take(const RequestOutput& output) {
  num_cached_tokens_ = output.num_cached_tokens;
  if (output.error) error_ = output.error;
  MessageDelta delta;
  for (const CompletionOutput& completion : output.outputs) {
    num_output_tokens_ += static_cast<int>(completion.token_ids.size());
    append_delta(delta, parser_.push(completion.text));
    if (!completion.finish_reason) continue;
    append_delta(delta, parser_.finish());
    finish_reason_ = completion.finish_reason;
    if (const auto* text = std::get_if<std::string>(&completion.stop_reason)) stop_string_ = *text;
  }
  if (!parallel_tool_calls_) {
    std::erase_if(delta.tool_calls, [](const ToolCallDelta& call) { return call.index > 0; });
  }
  has_tool_calls_ = has_tool_calls_ || !delta.tool_calls.empty();
  return delta;
}

}  // namespace quire::server
