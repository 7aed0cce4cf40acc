#include "server/io_thread.h"

#include <algorithm>
#include <exception>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "server/connection.h"

namespace quire::server {
namespace {

constexpr auto kMinTick = std::chrono::milliseconds(5);
constexpr auto kMaxTick = std::chrono::milliseconds(250);
constexpr int kTicksPerTimeout = 8;

// Deadlines are looked at in turns: often enough for the shortest timeout.
Clock::duration tick_interval(const ServerConfig& config) {
  const double shortest = std::min(
      {config.timeout_header, config.timeout_body, config.timeout_keep_alive, config.timeout_write}
  );
  const std::chrono::duration<double> tick(shortest / kTicksPerTimeout);
  return std::clamp(std::chrono::duration_cast<Clock::duration>(tick), {kMinTick}, {kMaxTick});
}

}  // namespace

IoThread::IoThread(HttpContext& context)
    : context_(context),
      io_(1),
      work_(io_.get_executor()),
      scratch_(kScratchBytes),
      ready_list_(std::make_shared<ReadyList>(io_)),
      tick_interval_(tick_interval(context.config)),
      tick_timer_(io_) {}

IoThread::~IoThread() {
  ready_list_->close();
}

void IoThread::listen(ListeningSocket socket) {
  const auto on_accept = [this](Socket accepted) { accept(std::move(accepted)); };
  listeners_.push_back(std::make_unique<Listener>(io_, std::move(socket), on_accept));
  listeners_.back()->start();
}

void IoThread::run() {
  while (true) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {  // of one event; the others go on
      QUIRE_LOG_ERROR("An event of the server failed: {}", error.what());
    }
  }
}

void IoThread::accept(Socket socket) {
  try {
    add_connection(std::move(socket));
  } catch (const std::exception& error) {
    QUIRE_LOG_ERROR("A connection is refused: {}", error.what());
  }
}

void IoThread::add_connection(Socket socket) {
  auto connection = std::make_shared<Connection>(*this, std::move(socket), scratch_);
  connections_.emplace(connection.get(), connection);
  connection->start();
  schedule_tick();
}

void IoThread::remove(Connection& connection) {
  connections_.erase(&connection);
  end_if_drained();
}

std::vector<std::shared_ptr<Connection>> IoThread::connections() const {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_)
    all.push_back(connection);
  return all;
}

void IoThread::schedule_tick() {
  if (is_ticking_ || connections_.empty()) return;
  is_ticking_ = true;
  tick_timer_.expires_after(tick_interval_);
  tick_timer_.async_wait([this](const ErrorCode& cancelled) {
    is_ticking_ = false;
    if (!cancelled) tick();
  });
}

void IoThread::tick() {
  schedule_tick();
  const Clock::time_point now = Clock::now();
  std::vector<std::shared_ptr<Connection>> due;
  for (const auto& [key, connection] : connections_) {
    if (connection->needs_tick(now)) due.push_back(connection);
  }
  for (const auto& connection : due)
    connection->tick(now);
}

void IoThread::drain() {
  asio::post(io_, [this] {
    if (std::exchange(is_draining_, true)) return;
    for (const auto& listener : listeners_)
      listener->stop();
    for (const auto& connection : connections())
      connection->drain();
    end_if_drained();
  });
}

void IoThread::abort_requests() {
  asio::post(io_, [this] {
    for (const auto& connection : connections())
      connection->abort_request();
  });
}

void IoThread::close_connections() {
  asio::post(io_, [this] {
    for (const auto& connection : connections())
      connection->close();
  });
}

void IoThread::end_if_drained() {
  if (!is_draining_ || !connections_.empty()) return;
  tick_timer_.cancel();
  work_.reset();
}

}  // namespace quire::server
