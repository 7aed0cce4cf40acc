#include "server/anthropic/message_answer.h"

#include <utility>

#include "server/anthropic/message_error.h"

namespace quire::server {

MessageAnswer::MessageAnswer(MessageSetup setup)
    : setup_(std::move(setup)),
      reader_(setup_.chat, setup_.parallel_tool_calls),
      blocks_(setup_.head.id, setup_.stream) {}

void MessageAnswer::add(int /*index*/, RequestOutput output, std::string& events) {
  const MessageDelta delta = reader_.take(output);
  if (setup_.stream && !std::exchange(has_begun_, true)) {
    MessagesUsage before = usage();
    before.output_tokens = 0;
    append_message_start(events, setup_.head, before);
  }
  blocks_.add(delta, events);
}

HttpResponse MessageAnswer::finish(std::string& events) {
  if (const auto reason = failure()) {
    const ErrorInfo error{500, "InternalServerError", *reason, std::nullopt};
    if (!setup_.stream) return error_response(error, message_error, setup_.request_id);
    fail(error, &events);
    return {};
  }
  blocks_.finish(events);
  const std::string_view stop_reason = stop_reason_of(reader_);
  const auto stop_sequence = stop_reason == "stop_sequence" ? reader_.stop_string() : std::nullopt;
  if (setup_.stream) {
    append_message_end(events, stop_reason, stop_sequence, usage());
    return {};
  }
  return {.body = message_json(setup_.head, blocks_.json(), stop_reason, stop_sequence, usage())};
}

void MessageAnswer::fail(const ErrorInfo& error, std::string* events) {
  if (events == nullptr) return;
  *events += "event: error\ndata: " + message_error(error, setup_.request_id) + "\n\n";
}

MessagesUsage MessageAnswer::usage() const {
  MessagesUsage usage;
  usage.cache_read_input_tokens = setup_.shows_cached_tokens ? reader_.num_cached_tokens() : 0;
  usage.input_tokens = reader_.num_prompt_tokens() - usage.cache_read_input_tokens;
  usage.output_tokens = reader_.num_output_tokens();
  return usage;
}

// The API has no word for an answer that was broken off.
std::optional<std::string> MessageAnswer::failure() const {
  if (reader_.error()) return reader_.error();
  const auto reason = reader_.finish_reason();
  if (reason == FinishReason::kAbort) return "The server broke the request off";
  if (!reason || reason == FinishReason::kError) return "The engine ended the request early";
  return std::nullopt;
}

}  // namespace quire::server
