#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <poll.h>

#include "server/transport.h"

namespace quire::server {
namespace {

constexpr size_t kMaxCopiedBytes = 32 << 10;

void release(std::string& bytes) {
  std::string().swap(bytes);  // an assignment would keep the memory
}

class PlainTransport final : public Transport {
 public:
  PlainTransport(Socket socket, std::span<char> scratch)
      : socket_(std::move(socket)), scratch_(scratch) {}

  void open(TransportUser& user) override {
    user_ = &user;
    ErrorCode error;
    socket_.non_blocking(true, error);
    user.on_open(!error);
  }

  void read() override {
    // No buffer is held while nothing comes.
    socket_.async_wait(
        Socket::wait_read,
        [this, alive = user_->shared_from_this()](const ErrorCode& error) {
          if (!is_closed_) read_now(error);
        }
    );
  }

  WriteResult write(std::string& bytes) override {
    rest_ = bytes;
    if (!write_some()) return WriteResult::kFailed;
    if (rest_.empty()) return WriteResult::kDone;
    keep_rest(bytes);
    wait_writable();
    return WriteResult::kPending;
  }

  void shutdown_write() override {
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void close() override {
    is_closed_ = true;
    ErrorCode ignored;
    socket_.close(ignored);
  }

  bool has_peer_left() const override {
    pollfd socket = {
        .fd = const_cast<Socket&>(socket_).native_handle(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&socket, 1, 0) > 0;
  }

 private:
  void read_now(ErrorCode error) {
    size_t num_bytes = 0;
    if (!error)
      num_bytes = socket_.read_some(asio::buffer(scratch_.data(), scratch_.size()), error);
    if (error == asio::error::would_block || error == asio::error::interrupted) return read();
    if (error) return user_->on_read_end();
    user_->on_read({scratch_.data(), num_bytes});
  }

  // What the socket takes at once. False: it is broken.
  bool write_some() {
    while (!rest_.empty()) {
      ErrorCode error;
      const size_t num_bytes = socket_.write_some(asio::buffer(rest_.data(), rest_.size()), error);
      if (error == asio::error::would_block) return true;
      if (error == asio::error::interrupted) continue;
      if (error) return false;
      rest_.remove_prefix(num_bytes);
    }
    return true;
  }

  // A long answer is not copied. Events leave the room behind that they needed to grow.
  void keep_rest(std::string& bytes) {
    if (rest_.size() > kMaxCopiedBytes) {
      const size_t num_written = bytes.size() - rest_.size();
      kept_.swap(bytes);
      rest_ = std::string_view(kept_).substr(num_written);
    } else {
      kept_ = rest_;
      rest_ = kept_;
    }
    release(bytes);
  }

  void wait_writable() {
    socket_.async_wait(
        Socket::wait_write,
        [this, alive = user_->shared_from_this()](const ErrorCode& error) {
          if (is_closed_) return;
          const size_t before = rest_.size();
          if (error || !write_some()) return user_->on_written(false);
          if (rest_.empty()) {
            release(kept_);
            return user_->on_written(true);
          }
          if (rest_.size() < before) user_->on_write_progress();
          wait_writable();
        }
    );
  }

  Socket socket_;
  std::span<char> scratch_;
  TransportUser* user_ = nullptr;
  std::string kept_;
  std::string_view rest_;  // of the write under way; once that waits, of kept_
  bool is_closed_ = false;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(Socket socket, std::span<char> scratch) {
  return std::make_unique<PlainTransport>(std::move(socket), scratch);
}

}  // namespace quire::server
