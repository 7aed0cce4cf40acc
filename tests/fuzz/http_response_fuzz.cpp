// What a server sends to our clients: HTTP framing, events, JSON. Whatever the bytes and however
// they are split, nothing breaks and the same comes out.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "client/completion_chunk.h"
#include "client/http_response_parser.h"
#include "client/sse_scanner.h"

namespace {

using namespace quire::client;

struct Reading {
  bool is_complete = false;
  bool has_failed = false;
  std::string body;
  std::string events;
};

Reading read(std::string_view bytes, size_t piece_size) {
  HttpResponseParser parser;
  SseScanner scanner;
  CompletionReader completions;
  Reading reading;
  const auto on_event = [&](const SseEvent& event) {
    reading.events.append(event.event).append("|").append(event.data).append("\n");
    (void)completions.read(event.data);
  };
  while (!bytes.empty() && !parser.is_complete() && !parser.error()) {
    const std::string_view piece = bytes.substr(0, piece_size);
    const size_t taken = parser.feed(piece, [&](std::string_view body) {
      reading.body += body;
      scanner.feed(body, on_event);
    });
    QUIRE_CHECK(taken == piece.size() || parser.is_complete() || parser.error());
    bytes.remove_prefix(taken);
  }
  (void)parser.finish_at_close();
  reading.is_complete = parser.is_complete();
  reading.has_failed = parser.error().has_value();
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = read(bytes, size + 1);
  for (const size_t piece_size : {1, 3, 100}) {
    const Reading split = read(bytes, piece_size);
    QUIRE_CHECK(split.is_complete == whole.is_complete && split.has_failed == whole.has_failed);
    QUIRE_CHECK(split.body == whole.body && split.events == whole.events);
  }
  return 0;
}
