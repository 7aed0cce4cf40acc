#include "bench/serve/call_exchange.h"

#include <fmt/format.h>

namespace quire::bench {
namespace {

constexpr size_t kMaxShownBytes = 200;

}  // namespace

CallExchange::CallExchange(ExchangeShared& shared, const PlannedCall& call, CallRecord& record)
    : shared_(shared), call_(call), record_(record) {
  record_.num_prompt_tokens = call.num_prompt_tokens;
  if (shared_.options.streams) record_.itls.reserve(static_cast<size_t>(call.num_output_tokens));
}

void CallExchange::on_body(
    const client::HttpResponseParser& response, std::string_view piece, double now
) {
  shared_.last_progress = now;
  if (!response.is_event_stream()) {
    body_ += piece;
    return;
  }
  scanner_.feed(piece, [&](const client::SseEvent& event) { take_event(event.data, now); });
}

void CallExchange::take_event(std::string_view data, double now) {
  ++shared_.num_events;
  ++record_.num_events;
  if (is_done_) return fail("an event follows [DONE]");
  if (data == "[DONE]") {
    is_done_ = true;
    return;
  }
  const auto chunk = shared_.reader.read(data);
  if (!chunk) return fail(fmt::format("no completion: {}", data.substr(0, kMaxShownBytes)));
  if (chunk->error) return fail(std::string(*chunk->error));
  take_chunk(*chunk, now);
}

void CallExchange::take_chunk(const client::CompletionChunk& chunk, double now) {
  if (chunk.usage) {
    has_usage_ = true;
    record_.num_prompt_tokens = static_cast<int>(chunk.usage->prompt_tokens);
    record_.num_output_tokens = static_cast<int>(chunk.usage->completion_tokens);
  }
  if (chunk.num_choices == 0) return;
  text_ += chunk.reasoning;
  text_ += chunk.text;
  if (!chunk.finish_reason.empty()) has_finish_reason_ = true;
  // A chat's first event tells the role alone: no token has been made yet.
  const bool is_role_alone = !chunk.role.empty() && chunk.text.empty() && chunk.reasoning.empty() &&
                             !chunk.has_tool_calls && chunk.finish_reason.empty();
  if (!is_role_alone) take_token(now);
}

void CallExchange::take_token(double now) {
  if (has_token_) {
    record_.itls.push_back(now - record_.last_token);
  } else {
    has_token_ = true;
    record_.first_token = now;
  }
  record_.last_token = now;
}

void CallExchange::read_whole(double now) {
  const auto answer = shared_.reader.read(body_);
  if (!answer) return fail(fmt::format("no completion: {}", body_.substr(0, kMaxShownBytes)));
  if (answer->error) return fail(std::string(*answer->error));
  take_chunk(*answer, now);
  is_done_ = true;
}

void CallExchange::on_end(
    const client::HttpResponseParser& response, const std::string& error, double now
) {
  ++shared_.num_done;
  shared_.last_progress = now;
  if (!error.empty()) {
    fail(error);
  } else if (response.status() != 200) {
    const auto answer = shared_.reader.read(body_);
    const std::string_view shown = std::string_view(body_).substr(0, kMaxShownBytes);
    fail(fmt::format(
        "status {}: {}", response.status(), answer && answer->error ? *answer->error : shown
    ));
  } else if (response.is_event_stream() != shared_.options.streams) {
    fail(shared_.options.streams ? "the answer is no event stream" : "the answer is a stream");
  } else if (!shared_.options.streams) {
    read_whole(now);
  }
  if (record_.error.empty()) check();
  record_.is_ok = record_.error.empty();
  if (shared_.options.keeps_text) record_.text = std::move(text_);
  body_ = {};
  text_ = {};
}

void CallExchange::check() {
  if (scanner_.has_rest()) return fail("the stream ends within an event");
  if (!is_done_) return fail("the stream ends without [DONE]");
  if (!has_token_) return fail("the answer has no choice");
  if (!has_finish_reason_) return fail("the answer has no finish_reason");
  if (!has_usage_) {
    const Tokenizer* tokenizer = shared_.options.tokenizer;
    record_.num_output_tokens = tokenizer != nullptr
                                    ? static_cast<int>(tokenizer->encode(text_, false).size())
                                    : static_cast<int>(record_.itls.size()) + 1;
    return;
  }
  const int asked = call_.num_output_tokens;
  const int got = record_.num_output_tokens;
  if (got > asked || (shared_.options.checks_length && got != asked)) {
    fail(fmt::format("{} tokens came, not {}", got, asked));
  }
}

void CallExchange::fail(std::string why) {
  if (record_.error.empty()) record_.error = why.empty() ? "an error without a message" : why;
}

}  // namespace quire::bench
