#include "server/connection.h"

#include <cstring>
#include <exception>
#include <utility>

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "server/random_id.h"

namespace quire::server {
namespace {

constexpr size_t kMaxInputBytes = 64 << 10;  // that wait for the request before them
constexpr size_t kIdleBufferBytes = 1 << 10;  // that an idle connection may keep
// A body up to this is read before its request is refused, so that the connection lives on.
constexpr uint64_t kSmallBodyBytes = 64 << 10;
constexpr size_t kRequestIdDigits = 32;
constexpr double kLingerSeconds = 2.0;
constexpr double kLingerSecondsDraining = 0.2;

std::string address_text(const Socket& socket) {
  ErrorCode error;
  const auto endpoint = socket.remote_endpoint(error);
  char text[INET6_ADDRSTRLEN] = "";
  if (!error && endpoint.protocol().family() == AF_INET) {
    const auto* name = reinterpret_cast<const sockaddr_in*>(endpoint.data());
    ::inet_ntop(AF_INET, &name->sin_addr, text, sizeof(text));
    return fmt::format("{}:{}", text, ntohs(name->sin_port));
  }
  if (!error && endpoint.protocol().family() == AF_INET6) {
    const auto* name = reinterpret_cast<const sockaddr_in6*>(endpoint.data());
    ::inet_ntop(AF_INET6, &name->sin6_addr, text, sizeof(text));
    constexpr std::string_view kMapped = "::ffff:";  // an IPv4 address
    if (std::string_view(text).starts_with(kMapped) && std::strchr(text, '.') != nullptr)
      return fmt::format("{}:{}", text + kMapped.size(), ntohs(name->sin6_port));
    return fmt::format("[{}]:{}", text, ntohs(name->sin6_port));
  }
  return "unix";
}

void log_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    QUIRE_LOG_ERROR("A connection failed and is closed: {}", error.what());
  } catch (...) {
    QUIRE_LOG_ERROR("A connection failed and is closed.");
  }
}

void shrink(std::string& buffer) {
  if (buffer.capacity() > kIdleBufferBytes) std::string().swap(buffer);
}

}  // namespace

Connection::Connection(IoThread& thread, Socket socket, std::span<char> scratch)
    : thread_(thread),
      context_(thread.context()),
      peer_(context_.access_log.is_on() ? address_text(socket) : ""),
      ready_entry_(std::make_shared<ReadyList::Entry>(static_cast<Sleeper*>(this))) {
  if (context_.tls == nullptr) {
    transport_ = make_plain_transport(std::move(socket), scratch);
  } else {
    transport_ = make_tls_transport(std::move(socket), *context_.tls);
  }
}

Connection::~Connection() {
  ready_entry_->sleeper = nullptr;
}

void Connection::start() {
  const auto self = std::static_pointer_cast<Connection>(shared_from_this());
  transport_->open(*this);
  asio::co_spawn(thread_.io(), run(), [self](const std::exception_ptr& error) {
    if (error) log_failure(error);
    self->close();
    self->thread_.remove(*self);
  });
}

Task<> Connection::run() {
  set_deadline(context_.config.timeout_header);
  while (!is_open_ && !has_input_ended_ && !is_timed_out_)
    co_await event_.wait();
  if (!is_open_) co_return;
  read_more();
  for (bool goes_on = true; goes_on;)
    goes_on = co_await serve_request();
  co_await linger();
}

Task<bool> Connection::serve_request() {
  const bool has_head = co_await read_head();
  if (!has_head) co_return false;
  HttpRequest& request = parser_->request();
  if (request.request_id.empty()) request.request_id = random_hex(kRequestIdDigits);
  const RequestGate::Admission admission = context_.gate.admit(request);
  const bool is_small = !parser_->is_chunked() && !parser_->expects_continue() &&
                        parser_->body_bytes_announced() <= kSmallBodyBytes;
  if (admission.answer && !parser_->is_done() && !is_small) {
    // Its body is not read at all.
    keep_alive_ = false;
    const bool goes_on = co_await respond(*admission.answer);
    co_return goes_on;
  }
  const bool has_body = co_await read_body();
  if (!has_body) co_return false;
  const bool goes_on = co_await answer(admission);
  co_return goes_on;
}

Task<bool> Connection::read_head() {
  const bool is_first = parser_ == nullptr;
  parser_.reset();
  was_begun_ = false;
  shrink(output_);
  if (input_.empty()) shrink(input_);
  const ServerConfig& config = context_.config;
  set_deadline(is_first ? config.timeout_header : config.timeout_keep_alive);
  while (input_.empty() && !has_input_ended_ && !is_timed_out_ && !thread_.is_draining())
    co_await event_.wait();
  if (input_.empty()) co_return false;

  parser_ = std::make_unique<RequestParser>(context_.limits);
  set_deadline(config.timeout_header);
  while (true) {
    parse_input();
    if (parser_->has_head() || parser_->has_failed() || has_input_ended_ || is_timed_out_) break;
    co_await event_.wait();
  }
  const bool is_whole = co_await check_read(parser_->has_head());
  co_return is_whole;
}

Task<bool> Connection::read_body() {
  if (parser_->is_done()) co_return true;
  if (parser_->expects_continue()) {
    output_ = "HTTP/1.1 100 Continue\r\n\r\n";
    const bool was_sent = co_await send();
    if (!was_sent) co_return false;
  }
  set_deadline(context_.config.timeout_body);
  while (true) {
    parse_input();
    if (parser_->is_done() || parser_->has_failed() || has_input_ended_ || is_timed_out_) break;
    co_await event_.wait();
  }
  const bool is_whole = co_await check_read(parser_->is_done());
  co_return is_whole;
}

Task<bool> Connection::check_read(bool is_whole) {
  if (is_whole && !parser_->has_failed()) co_return true;
  int status = parser_->failed_status();
  std::string message = parser_->failure();
  if (status == 0 && is_timed_out_) {
    status = 408;
    message = "The request took too long to come.";
  }
  if (status == 0) co_return false;  // the client has gone
  keep_alive_ = false;
  const HttpResponse response = refuse(http_error(status, message));
  const bool goes_on = co_await respond(response);
  co_return goes_on;
}

void Connection::parse_input() {
  const size_t taken = parser_->put(std::string_view(input_).substr(consumed_));
  consumed_ += taken;
  if (consumed_ == input_.size()) {
    input_.clear();
    consumed_ = 0;
  } else if (consumed_ >= kMaxInputBytes) {
    input_.erase(0, consumed_);
    consumed_ = 0;
  }
  read_more();
}

void Connection::read_more() {
  const size_t limit = std::max(kMaxInputBytes, context_.limits.max_head_bytes);
  is_reading_paused_ = input_.size() - consumed_ >= limit;
  if (is_reading_ || is_reading_paused_ || has_input_ended_ || is_closed_) return;
  is_reading_ = true;
  transport_->read();
}

Task<> Connection::linger() {
  // A socket that is closed with bytes unread resets the connection, and the client may lose the
  // answer.
  if (!was_begun_ || is_gone()) co_return;
  transport_->shutdown_write();
  is_discarding_ = true;
  input_.clear();
  consumed_ = 0;
  read_more();
  set_deadline(thread_.is_draining() ? kLingerSecondsDraining : kLingerSeconds);
  while (!has_input_ended_ && !is_timed_out_)
    co_await event_.wait();
}

void Connection::on_open(bool ok) {
  is_open_ = ok;
  has_input_ended_ = !ok;
  event_.notify();
}

void Connection::on_read(std::string_view bytes) {
  is_reading_ = false;
  if (!is_discarding_) input_.append(bytes);
  read_more();
  event_.notify();
}

void Connection::on_read_end() {
  is_reading_ = false;
  has_input_ended_ = true;
  event_.notify();
}

void Connection::on_write_progress() {
  set_deadline(context_.config.timeout_write);
}

void Connection::on_written(bool ok) {
  write_state_ = ok ? WriteState::kNone : WriteState::kFailed;
  event_.notify();
}

void Connection::tick(Clock::time_point now) {
  if (is_reading_paused_ && transport_->has_peer_left()) {
    has_input_ended_ = true;
    is_reading_paused_ = false;
  }
  if (now >= deadline_) {
    clear_deadline();
    is_timed_out_ = true;
  }
  event_.notify();
}

void Connection::drain() {
  event_.notify();
}

void Connection::abort_request() {
  is_aborting_ = true;
  event_.notify();
}

void Connection::close() {
  if (std::exchange(is_closed_, true)) return;
  has_input_ended_ = true;
  is_reading_paused_ = false;
  write_state_ = WriteState::kFailed;
  transport_->close();
  event_.notify();
}

void Connection::set_deadline(double seconds) {
  is_timed_out_ = false;
  deadline_ = Clock::now() +
              std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

void Connection::clear_deadline() {
  is_timed_out_ = false;
  deadline_ = Clock::time_point::max();
}

}  // namespace quire::server
