#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>

#include "server/asio_types.h"
#include "server/http_context.h"
#include "server/listener.h"
#include "server/ready_list.h"
#include "server/response_text.h"

namespace quire::server {

class Connection;

// One event loop with its listening sockets and its connections. All but the methods that say
// otherwise belong to the thread in run().
class IoThread {
 public:
  explicit IoThread(HttpContext& context);
  ~IoThread();

  // Before run().
  void listen(ListeningSocket socket);

  // Returns when it has drained and the last connection is gone.
  void run();
  // From any thread. No new connections; those that are idle end, the others after their answer.
  void drain();
  // From any thread, after drain(): answers that are not done end with an error.
  void abort_requests();
  // From any thread, after drain(): connections end at once.
  void close_connections();

  void remove(Connection& connection);

  HttpContext& context() { return context_; }
  asio::io_context& io() { return io_; }
  const std::shared_ptr<ReadyList>& ready_list() const { return ready_list_; }
  const std::string& date() { return date_.now(); }
  bool is_draining() const { return is_draining_; }

 private:
  void accept(Socket socket);
  void add_connection(Socket socket);
  void schedule_tick();
  void tick();
  void end_if_drained();
  // A copy, because calling a connection may end it and others.
  std::vector<std::shared_ptr<Connection>> connections() const;

  static constexpr size_t kScratchBytes = 64 << 10;

  HttpContext& context_;
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_;
  std::vector<char> scratch_;  // where reads of plain sockets go
  std::shared_ptr<ReadyList> ready_list_;
  DateText date_;
  const Clock::duration tick_interval_;
  Timer tick_timer_;
  bool is_ticking_ = false;
  bool is_draining_ = false;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
};

}  // namespace quire::server
