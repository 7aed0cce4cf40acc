#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "server/asio_types.h"
#include "server/handler.h"
#include "server/io_thread.h"
#include "server/ready_list.h"
#include "server/request_gate.h"
#include "server/request_parser.h"
#include "server/transport.h"
#include "server/wake_event.h"

namespace quire::server {

// One client: its requests one after the other, each read, served and answered. A coroutine does
// that and waits in one place; what it waits for (bytes, room to write, outputs of the engine, a
// deadline) is noted in members, and wakes it. The socket is read all the while, so that a client
// that goes is noticed, and what it sends ahead waits in `input_`.
class Connection final : public TransportUser, private Sleeper {
 public:
  Connection(IoThread& thread, Socket socket, std::span<char> scratch);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  bool needs_tick(Clock::time_point now) const { return now >= deadline_ || is_reading_paused_; }
  void tick(Clock::time_point now);
  void drain();  // ends if idle, else after the answer that is under way
  void abort_request();  // what the engine does for it ends with an error
  void close();  // at once

  // Of the transport.
  void on_open(bool ok) override;
  void on_read(std::string_view bytes) override;
  void on_read_end() override;
  void on_write_progress() override;
  void on_written(bool ok) override;

 private:
  enum class WriteState : uint8_t { kNone, kPending, kFailed };

  // g++ 12 mislays the frames of coroutines that await inside of conditions and other expressions:
  // each co_await below stands in a statement of its own.
  void wake() override { event_.notify(); }

  // Reading: connection.cpp. False means that the connection ends.
  Task<> run();
  Task<bool> serve_request();
  Task<bool> read_head();
  Task<bool> read_body();
  Task<bool> check_read(bool is_whole);  // refuses what is not a request, or too slow
  Task<> linger();  // until the client has read the answer
  void parse_input();
  void read_more();

  // Answering: connection_answer.cpp.
  Task<bool> answer(const RequestGate::Admission& admission);
  Task<Reply> call_handler(const Route& route);
  Task<bool> respond(const HttpResponse& response);
  HttpResponse refuse(const ErrorInfo& error) const;
  ErrorInfo tell_failure(const std::exception& failure) const;  // to the log too
  Task<bool> gather(Generation& generation);  // one response, when all has come
  Task<bool> stream(Generation& generation);  // events as they come
  static bool collect(Generation& generation, std::string& events);
  std::optional<ErrorInfo> append_events(Generation& generation, bool& has_ended);
  ResponseFraming framing();
  Headers common_headers() const;
  void begin_answer(int status);
  Task<bool> send();  // output_

  bool is_gone() const { return has_input_ended_ || write_state_ == WriteState::kFailed; }
  void set_deadline(double seconds);
  void clear_deadline();

  IoThread& thread_;
  HttpContext& context_;
  const std::string peer_;
  std::unique_ptr<Transport> transport_;
  WakeEvent event_;
  const std::shared_ptr<ReadyList::Entry> ready_entry_;
  Clock::time_point deadline_ = Clock::time_point::max();

  std::unique_ptr<RequestParser> parser_;  // of the request that is being read or served
  std::string input_;  // read, but not parsed; [consumed_, end) counts
  size_t consumed_ = 0;
  std::string output_;  // of the write under way

  bool is_open_ = false;
  bool is_closed_ = false;
  bool is_reading_ = false;  // a read is under way
  bool is_reading_paused_ = false;  // input_ is full
  bool is_discarding_ = false;  // nothing more is parsed
  bool has_input_ended_ = false;
  bool is_timed_out_ = false;
  bool is_aborting_ = false;
  bool keep_alive_ = true;
  bool was_begun_ = false;  // the answer to the request: its head is in output_ or sent
  WriteState write_state_ = WriteState::kNone;
};

}  // namespace quire::server
