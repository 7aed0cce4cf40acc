#include "server/http_server.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "server/http_context.h"
#include "server/io_thread.h"
#include "server/listening_socket.h"

namespace quire::server {
namespace {

constexpr double kGraceSeconds = 1.0;  // for the last words to clients
// Io threads that are at something longer, such as a long prompt, do not hold the engine up.
constexpr std::chrono::milliseconds kMaxWaitForIo(2);

}  // namespace

struct HttpServer::Impl {
  Impl(const ServerConfig& config, std::vector<Route> routes) : context(config, std::move(routes)) {
    auto sockets = open_listening_sockets(context.config);
    if (context.config.uds) socket_file.emplace(*context.config.uds);
    port = sockets.front().front().port();
    for (auto& of_thread : sockets) {
      io_threads.push_back(std::make_unique<IoThread>(context));
      for (ListeningSocket& socket : of_thread)
        io_threads.back()->listen(std::move(socket));
    }
    num_running = io_threads.size();
    for (const auto& io_thread : io_threads)
      threads.emplace_back([this, &io_thread = *io_thread] { run(io_thread); });
  }

  ~Impl() {
    drain();
    for (const auto& io_thread : io_threads)
      io_thread->close_connections();
    for (std::thread& thread : threads)
      thread.join();
    context.workers.join();
  }

  void run(IoThread& io_thread) {
    io_thread.run();
    {
      std::lock_guard lock(mutex);
      --num_running;
    }
    has_ended.notify_all();
  }

  void drain() {
    if (socket_file) socket_file->remove();
    for (const auto& io_thread : io_threads)
      io_thread->drain();
  }

  // False: the time is up.
  bool wait(double seconds) {
    std::unique_lock lock(mutex);
    const std::chrono::duration<double> duration(seconds);
    return has_ended.wait_for(lock, duration, [this] { return num_running == 0; });
  }

  HttpContext context;
  std::optional<SocketFile> socket_file;
  int port = 0;
  std::vector<std::unique_ptr<IoThread>> io_threads;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable has_ended;
  size_t num_running = 0;  // io threads
};

HttpServer::HttpServer(const ServerConfig& config, std::vector<Route> routes)
    : impl_(std::make_unique<Impl>(config, std::move(routes))) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const {
  return impl_->port;
}

std::string HttpServer::address() const {
  const ServerConfig& config = impl_->context.config;
  if (config.uds) return fmt::format("unix:{}", *config.uds);
  const char* const scheme = impl_->context.tls == nullptr ? "http" : "https";
  const std::string host = config.host.value_or("0.0.0.0");
  if (host.find(':') != std::string::npos) return fmt::format("{}://[{}]:{}", scheme, host, port());
  return fmt::format("{}://{}:{}", scheme, host, port());
}

void HttpServer::wait_for_io() {
  const Clock::time_point deadline = Clock::now() + kMaxWaitForIo;  // of all of them
  for (const auto& io_thread : impl_->io_threads)
    io_thread->ready_list()->wait_taken(deadline);
}

void HttpServer::drain() {
  impl_->drain();
}

bool HttpServer::wait_for(double seconds) {
  return impl_->wait(seconds);
}

void HttpServer::abort() {
  if (impl_->wait(0.0)) return;
  QUIRE_LOG_WARN("Requests that still run are ended.");
  for (const auto& io_thread : impl_->io_threads)
    io_thread->abort_requests();
  if (impl_->wait(kGraceSeconds)) return;
  for (const auto& io_thread : impl_->io_threads)
    io_thread->close_connections();
}

}  // namespace quire::server
