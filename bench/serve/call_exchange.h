#pragma once

#include "bench/serve/load_generator.h"
#include "client/completion_chunk.h"
#include "client/http_loop.h"
#include "client/sse_scanner.h"

namespace quire::bench {

// What all exchanges of a run share.
struct ExchangeShared {
  const LoadOptions& options;
  client::CompletionReader reader;
  int64_t num_events = 0;
  size_t num_done = 0;
  double last_progress = 0.0;
};

// Reads one answer, and checks it: only an answer that is all there counts.
class CallExchange final : public client::Exchange {
 public:
  CallExchange(ExchangeShared& shared, const PlannedCall& call, CallRecord& record);

  void on_body(const client::HttpResponseParser& response, std::string_view piece, double now)
      override;
  void on_end(const client::HttpResponseParser& response, const std::string& error, double now)
      override;

 private:
  void take_event(std::string_view data, double now);
  void take_chunk(const client::CompletionChunk& chunk, double now);
  void take_token(double now);
  void read_whole(double now);
  void check();
  void fail(std::string why);  // the first reason stays

  ExchangeShared& shared_;
  const PlannedCall& call_;
  CallRecord& record_;
  client::SseScanner scanner_;
  std::string body_;  // of an answer that is no stream
  std::string text_;
  bool has_token_ = false;
  bool has_finish_reason_ = false;
  bool is_done_ = false;  // [DONE] came
  bool has_usage_ = false;
};

}  // namespace quire::bench
