#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <poll.h>

#include "server/transport.h"

namespace quire::server {
namespace {

class TlsTransport final : public Transport {
 public:
  TlsTransport(Socket socket, TlsContext& context) : stream_(std::move(socket), context) {}

  void open(TransportUser& user) override {
    user_ = &user;
    stream_.async_handshake(
        asio::ssl::stream_base::server,
        [this, alive = user_->shared_from_this()](const ErrorCode& error) {
          if (!is_closed_) user_->on_open(!error);
        }
    );
  }

  void read() override {
    stream_.async_read_some(
        asio::buffer(buffer_),
        [this, alive = user_->shared_from_this()](const ErrorCode& error, size_t num_bytes) {
          if (is_closed_) return;
          if (error) return user_->on_read_end();
          user_->on_read({buffer_.data(), num_bytes});
        }
    );
  }

  WriteResult write(std::string& bytes) override {
    if (bytes.empty()) return WriteResult::kDone;
    kept_ = std::move(bytes);
    bytes.clear();
    rest_ = kept_;
    write_rest();
    return WriteResult::kPending;
  }

  void shutdown_write() override {
    stream_.async_shutdown([alive = user_->shared_from_this()](const ErrorCode&) {});
  }

  void close() override {
    is_closed_ = true;
    ErrorCode ignored;
    stream_.next_layer().close(ignored);
  }

  bool has_peer_left() const override {
    auto& socket = const_cast<TlsTransport*>(this)->stream_.next_layer();
    pollfd polled = {.fd = socket.native_handle(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&polled, 1, 0) > 0;
  }

 private:
  void write_rest() {
    stream_.async_write_some(
        asio::buffer(rest_.data(), rest_.size()),
        [this, alive = user_->shared_from_this()](const ErrorCode& error, size_t num_bytes) {
          if (is_closed_) return;
          if (error) return user_->on_written(false);
          rest_.remove_prefix(num_bytes);
          if (rest_.empty()) {
            std::string().swap(kept_);  // an assignment would keep the memory
            return user_->on_written(true);
          }
          user_->on_write_progress();
          write_rest();
        }
    );
  }

  asio::ssl::stream<Socket> stream_;
  std::array<char, 4096> buffer_;
  TransportUser* user_ = nullptr;
  std::string kept_;
  std::string_view rest_;  // of kept_: of the write under way
  bool is_closed_ = false;
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(Socket socket, TlsContext& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

}  // namespace quire::server
