#include "server/responses/response_answer.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "quire/tokenizer.h"
#include "server/api_error.h"
#include "server/calls/logprobs_json.h"
#include "server/requests/chat_messages_writer.h"

namespace quire::server {
namespace {

using Kind = OutputItem::Kind;

std::string closing_event(const ResponseState& state) {
  if (state.status == "completed" || state.status == "failed") return "response." + state.status;
  return "response.incomplete";  // cut by its length, or cancelled
}

}  // namespace

ResponseAnswer::ResponseAnswer(ResponseSetup setup)
    : setup_(std::move(setup)),
      reader_(setup_.chat, setup_.parallel_tool_calls),
      output_(setup_.head.id, setup_.stream ? &events_ : nullptr) {
  keep(ResponseState{}, /*is_running=*/true);
}

ResponseAnswer::~ResponseAnswer() {
  if (!has_ended_) keep(ResponseState{.status = "cancelled"}, /*is_running=*/false);
}

void ResponseAnswer::begin(std::string& events) {
  if (std::exchange(has_begun_, true) || !setup_.stream) return;
  for (const char* type : {"response.created", "response.in_progress"})
    events_.response(events, type, setup_.head, ResponseState{}, {});
}

void ResponseAnswer::add(int /*index*/, RequestOutput output, std::string& events) {
  begin(events);
  const MessageDelta delta = reader_.take(output);
  output_.add(delta, logprobs_of(output), events);
}

std::string ResponseAnswer::logprobs_of(const RequestOutput& output) const {
  std::string json;
  if (!setup_.top_logprobs) return json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  const TokenTexts texts = {.tokenizer = setup_.state->engine.tokenizer()};
  for (const CompletionOutput& completion : output.outputs) {
    if (!completion.logprobs) continue;
    write_token_logprobs(writer, texts, *completion.logprobs, *setup_.top_logprobs);
  }
  return json;
}

void ResponseAnswer::end(const ResponseState& state, std::string& events) {
  begin(events);
  output_.finish(state.status != "completed", events);
  has_ended_ = true;
  keep(state, /*is_running=*/false);
  if (setup_.stream)
    events_.response(events, closing_event(state), setup_.head, state, output_.items());
}

void ResponseAnswer::fail(const ErrorInfo& error, std::string* events) {
  std::string unsent;
  const ResponseState state{.status = "failed", .error = error.message, .usage = usage()};
  end(state, events == nullptr ? unsent : *events);
}

HttpResponse ResponseAnswer::finish(std::string& events) {
  const ResponseState state = final_state();
  end(state, events);
  if (setup_.stream) return {};
  if (state.error) {
    return error_response({500, "InternalServerError", *state.error, std::nullopt});
  }
  return {.body = response_json(state)};
}

ResponseState ResponseAnswer::final_state() const {
  ResponseState state{.status = "completed", .usage = usage()};
  const FinishReason reason = reader_.finish_reason().value_or(FinishReason::kError);
  if (reader_.error() || reason == FinishReason::kError) {
    state.status = "failed";
    state.error = reader_.error().value_or("The engine ended the request without an answer");
  } else if (reason == FinishReason::kLength) {
    state.status = "incomplete";
    state.incomplete_reason = "max_output_tokens";
  } else if (reason == FinishReason::kAbort) {
    state.status = "cancelled";
  } else {
    state.completed_at = static_cast<int64_t>(wall_time());
  }
  return state;
}

ResponseUsage ResponseAnswer::usage() const {
  ResponseUsage usage;
  usage.input_tokens = reader_.num_prompt_tokens();
  usage.cached_tokens = reader_.num_cached_tokens();
  usage.output_tokens = reader_.num_output_tokens();
  const auto tokenizer = setup_.state->engine.tokenizer();
  for (const OutputItem& item : output_.items()) {
    if (item.kind != Kind::kReasoning || tokenizer == nullptr) continue;
    usage.reasoning_tokens += static_cast<int>(tokenizer->encode(item.text, false).size());
  }
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.output_tokens);
  return usage;
}

std::string ResponseAnswer::response_json(const ResponseState& state) const {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  append_response(writer, setup_.head, state, output_.items());
  return json;
}

std::string ResponseAnswer::conversation_with_answer() const {
  ChatMessagesWriter messages;
  messages.add_messages(setup_.conversation);
  for (const OutputItem& item : output_.items()) {
    switch (item.kind) {
      case Kind::kReasoning:
        messages.add_reasoning(item.text);
        break;
      case Kind::kMessage:
        messages.add_assistant_text(item.text);
        break;
      case Kind::kFunctionCall:
        messages.add_tool_call(item.call_id, item.name, item.text);
    }
  }
  return messages.finish();
}

void ResponseAnswer::keep(const ResponseState& state, bool is_running) {
  if (setup_.store == nullptr) return;
  StoredResponse stored;
  stored.head = setup_.head;
  stored.engine_request_id = setup_.engine_request_id;
  stored.is_running = is_running;
  stored.response_json = response_json(state);
  if (!is_running) stored.conversation = conversation_with_answer();
  setup_.store->put(std::move(stored));
}

}  // namespace quire::server
