#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/asio_types.h"
#include "server/tls.h"

namespace quire::server {

// Who owns a transport and hears of it, on the io thread.
class TransportUser : public std::enable_shared_from_this<TransportUser> {
 public:
  virtual void on_open(bool ok) = 0;
  virtual void on_read(std::string_view bytes) = 0;  // of one read(); valid during the call
  virtual void on_read_end() = 0;  // nothing more will come: end of stream or an error
  virtual void on_write_progress() = 0;  // the peer took something of a pending write
  virtual void on_written(bool ok) = 0;  // the end of a pending write

 protected:
  ~TransportUser() = default;
};

enum class WriteResult : uint8_t { kDone, kPending, kFailed };

// A byte stream over a socket, plain or through TLS.
class Transport {
 public:
  virtual ~Transport() = default;

  // `user` owns this and outlives it; it may be destroyed only when no call of it is under way.
  virtual void open(TransportUser& user) = 0;
  // Begins one read; none may be under way.
  virtual void read() = 0;
  // None may be under way. What the socket does not take at once is taken out of `bytes`: a slow
  // reader holds no more memory than that.
  [[nodiscard]] virtual WriteResult write(std::string& bytes) = 0;
  virtual void shutdown_write() = 0;  // the peer reads an end of stream
  virtual void close() = 0;  // at once; nothing is heard after it
  // Whether the peer has ended its side, which a reader that rests would not see.
  virtual bool has_peer_left() const = 0;
};

// `scratch`: the io thread's buffer for reads.
std::unique_ptr<Transport> make_plain_transport(Socket socket, std::span<char> scratch);
std::unique_ptr<Transport> make_tls_transport(Socket socket, TlsContext& context);

}  // namespace quire::server
