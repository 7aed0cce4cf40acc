#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace quire::client {

// Reads one HTTP/1.1 response that arrives in pieces of any size. Interim responses (1xx) are
// passed over.
class HttpResponseParser {
 public:
  // Takes bytes and hands out those of the body, without the framing. Returns how many it took:
  // fewer than all when the response is complete or is no HTTP, see error().
  size_t feed(std::string_view bytes, FunctionRef<void(std::string_view)> on_body);
  // The connection was closed. True: that was how the response ends.
  [[nodiscard]] bool finish_at_close();

  bool has_head() const { return has_head_; }
  bool is_complete() const { return state_ == State::kComplete; }
  const std::optional<std::string>& error() const { return error_; }

  // Of a response with a head.
  int status() const { return status_; }
  bool is_event_stream() const { return is_event_stream_; }
  std::optional<std::string> retry_after() const { return retry_after_; }
  // Whether the connection can serve another request after this response.
  bool keeps_alive() const { return keeps_alive_; }

  void reset();

 private:
  enum class State : uint8_t {
    kHead,
    kSizedBody,
    kBodyUntilClose,
    kChunkSize,
    kChunkData,
    kChunkEnd,
    kTrailer,
    kComplete,
    kFailed,
  };

  size_t step(std::string_view bytes, FunctionRef<void(std::string_view)> on_body);
  size_t take_head(std::string_view bytes);
  size_t take_body(std::string_view bytes, FunctionRef<void(std::string_view)> on_body);
  // Takes a line that may come in pieces; nullopt: its end is not there yet.
  std::optional<std::string_view> take_line(std::string_view& bytes);
  void parse_head(std::string_view head);
  void parse_status_line(std::string_view line);
  void parse_header(std::string_view line);
  void begin_body();
  void begin_chunk(std::string_view line);
  void fail(std::string message);

  State state_ = State::kHead;
  bool has_head_ = false;
  bool keeps_alive_ = true;
  bool is_chunked_ = false;
  bool is_event_stream_ = false;
  int status_ = 0;
  std::optional<uint64_t> content_length_;
  uint64_t num_left_ = 0;  // bytes of the body or of the chunk
  std::optional<std::string> retry_after_;
  std::string line_;  // of the head or the framing, as far as it has come
  std::string taken_line_;
  std::optional<std::string> error_;
};

}  // namespace quire::client
