// How a connection answers: the half of Connection that writes.

#include <atomic>
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "server/api_error.h"
#include "server/connection.h"

namespace quire::server {
namespace {

constexpr size_t kMaxEventBytes = 16 << 10;  // of one write, but for the last output
// Larger bodies take long to tokenize: a worker does that.
constexpr size_t kLargeBodyBytes = 64 << 10;
constexpr double kHeadAfterSeconds = 1.0;  // a stream without events yet begins then

ErrorInfo shutting_down() {
  return http_error(503, "The server is shutting down.");
}

// What an answer that fails has appended is no whole event: it is taken back.
template <class Append>
void append_whole(std::string& events, const Append& append) {
  const size_t size = events.size();
  try {
    append();
  } catch (...) {
    events.resize(size);
    throw;
  }
}

}  // namespace

Task<bool> Connection::answer(const RequestGate::Admission& admission) {
  clear_deadline();
  const HttpRequest& request = parser_->request();
  std::optional<HttpResponse> response = admission.answer;
  if (thread_.is_draining()) response = refuse(shutting_down());
  if (!response && !admission.route->takes_any_body) response = context_.gate.check_body(request);
  std::optional<Generation> generation;
  if (!response) {
    Reply reply = co_await call_handler(*admission.route);
    if (auto* done = std::get_if<HttpResponse>(&reply)) {
      response = std::move(*done);
    } else {
      generation = std::move(std::get<Generation>(reply));
    }
  }
  bool goes_on = false;
  if (response) {
    goes_on = co_await respond(*response);
  } else if (generation->is_streaming && request.method != "HEAD") {
    goes_on = co_await stream(*generation);
  } else {
    goes_on = co_await gather(*generation);
  }
  co_return goes_on;
}

Task<Reply> Connection::call_handler(const Route& route) {
  const HttpRequest& request = parser_->request();
  const CallContext context = {
      .on_output = [list = thread_.ready_list(), entry = ready_entry_] { list->add(entry); }};
  const auto call = [&]() -> Reply {
    try {
      return route.handler(request, context);
    } catch (const std::exception& failure) {
      return refuse(tell_failure(failure));
    }
  };
  if (!route.may_block && request.body.size() < kLargeBodyBytes) co_return call();
  std::optional<Reply> reply;
  std::atomic<bool> is_done = false;
  const auto work = [&] {
    reply = call();
    // The io thread goes on as soon as it is done, and takes with it all but this.
    const auto on_done = context.on_output;
    is_done.store(true, std::memory_order_release);
    on_done();
  };
  if (!route.may_block) {
    asio::post(context_.workers, work);
  } else if (!context_.blocking_calls.start(work)) {
    co_return refuse(http_error(503, "Too many calls wait for the engine. Try again later."));
  }
  while (!is_done.load(std::memory_order_acquire))
    co_await event_.wait();
  co_return std::move(*reply);
}

ResponseFraming Connection::framing() {
  if (thread_.is_draining()) keep_alive_ = false;
  const bool has_request = parser_ != nullptr && parser_->has_head();
  return {
      .is_head = has_request && parser_->request().method == "HEAD",
      .keep_alive = keep_alive_,
      .is_http_1_0 = has_request && parser_->is_http_1_0(),
      .date = thread_.date(),
  };
}

Headers Connection::common_headers() const {
  Headers headers;
  if (parser_ != nullptr && parser_->has_head())
    context_.gate.add_headers(parser_->request(), headers);
  return headers;
}

void Connection::begin_answer(int status) {
  was_begun_ = true;
  if (!context_.access_log.is_on() || parser_ == nullptr || !parser_->has_head()) return;
  context_.access_log.write(
      {.peer = peer_,
       .method = parser_->request().method,
       .target = parser_->target(),
       .path = parser_->request().path,
       .is_http_1_0 = parser_->is_http_1_0(),
       .status = status}
  );
}

Task<bool> Connection::respond(const HttpResponse& response) {
  if (parser_->has_head() && !parser_->keep_alive()) keep_alive_ = false;
  output_.clear();
  append_response(output_, response, common_headers(), framing());
  begin_answer(response.status);
  const bool was_sent = co_await send();
  co_return was_sent&& keep_alive_;
}

HttpResponse Connection::refuse(const ErrorInfo& error) const {
  HttpResponse response = context_.gate.refuse(parser_->request(), error);
  if (error.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

ErrorInfo Connection::tell_failure(const std::exception& failure) const {
  ErrorInfo error = describe(failure);
  const HttpRequest& request = parser_->request();
  if (error.status >= 500)
    QUIRE_LOG_ERROR("{} {} failed: {}", request.method, request.path, error.message);
  return error;
}

// Hands what the streams have to the answer, up to a bound. True: all have ended.
bool Connection::collect(Generation& generation, std::string& events) {
  bool have_all_ended = true;
  const size_t limit = events.size() + kMaxEventBytes;
  for (size_t i = 0; i < generation.streams.size(); ++i) {
    auto& stream = generation.streams[i];
    if (stream == nullptr) continue;
    while (auto output = stream->try_next()) {
      append_whole(events, [&] {
        generation.answer->add(static_cast<int>(i), std::move(*output), events);
      });
      if (events.size() > limit) return false;
    }
    if (stream->finished()) {
      stream.reset();
    } else {
      have_all_ended = false;
    }
  }
  return have_all_ended;
}

Task<bool> Connection::gather(Generation& generation) {
  std::optional<HttpResponse> response;
  std::optional<ErrorInfo> error;
  std::string no_events;
  while (true) {
    if (is_gone()) co_return false;
    try {
      if (is_aborting_) {
        error = shutting_down();
      } else if (collect(generation, no_events)) {
        response = generation.answer->finish(no_events);
      }
    } catch (const std::exception& failure) {
      error = tell_failure(failure);
    }
    if (error) {
      generation.answer->fail(*error, nullptr);
      response = refuse(*error);
    }
    if (response) break;
    co_await event_.wait();
  }
  generation.streams.clear();
  const bool goes_on = co_await respond(*response);
  co_return goes_on;
}

// Appends what the streams have as one chunk. The error that ended the stream, if one did.
std::optional<ErrorInfo> Connection::append_events(Generation& generation, bool& has_ended) {
  try {
    if (is_aborting_) return shutting_down();
    has_ended = collect(generation, output_);
    if (has_ended) append_whole(output_, [&] { (void)generation.answer->finish(output_); });
    return std::nullopt;
  } catch (const std::exception& failure) {
    return tell_failure(failure);
  }
}

Task<bool> Connection::stream(Generation& generation) {
  const bool is_chunked = !parser_->is_http_1_0();
  if (!is_chunked || !parser_->keep_alive()) keep_alive_ = false;
  set_deadline(kHeadAfterSeconds);
  while (true) {
    if (is_gone()) co_return false;
    output_.clear();
    if (!was_begun_) append_stream_head(output_, generation.headers, common_headers(), framing());
    const size_t chunk = is_chunked ? begin_chunk(output_) : output_.size();
    const size_t events = output_.size();
    bool has_ended = false;
    if (const auto error = append_events(generation, has_ended)) {
      generation.streams.clear();
      generation.answer->fail(*error, was_begun_ ? &output_ : nullptr);
      if (!was_begun_) {
        const HttpResponse response = refuse(*error);
        const bool goes_on = co_await respond(response);
        co_return goes_on;
      }
      has_ended = true;
    }
    const bool has_events = output_.size() > events;
    const bool is_head_due = !was_begun_ && is_timed_out_;
    if (has_events || has_ended || is_head_due) {
      if (is_chunked) end_chunk(output_, chunk);
      if (is_chunked && has_ended) append_last_chunk(output_);
      if (!was_begun_) begin_answer(200);
      clear_deadline();
      const bool was_sent = co_await send();
      if (!was_sent) co_return false;
      if (has_ended) co_return keep_alive_;
      // More may have come while the client was slow.
      if (has_events) continue;
    }
    co_await event_.wait();
  }
}

Task<bool> Connection::send() {
  switch (transport_->write(output_)) {
    case WriteResult::kDone:
      co_return true;
    case WriteResult::kFailed:
      write_state_ = WriteState::kFailed;
      co_return false;
    case WriteResult::kPending:
      write_state_ = WriteState::kPending;
  }
  // Nothing is read from the engine meanwhile.
  set_deadline(context_.config.timeout_write);
  while (write_state_ == WriteState::kPending && !is_timed_out_ && !has_input_ended_)
    co_await event_.wait();
  if (write_state_ == WriteState::kPending) close();
  clear_deadline();
  co_return write_state_ == WriteState::kNone;
}

}  // namespace quire::server
