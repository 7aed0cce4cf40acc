#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/serve/soak/soak_plan.h"
#include "client/completion_chunk.h"
#include "client/http_loop.h"
#include "client/sse_scanner.h"

namespace quire::bench {

// Reads the answer to one call and says whether it is the right one.
class SoakExchange final : public client::Exchange {
 public:
  // `on_done` is called once with what is wrong, or "". `on_piece` after each piece of the body.
  using OnDone = std::function<void(SoakExchange&, const std::string& problem)>;
  using OnPiece = std::function<void(SoakExchange&)>;
  SoakExchange(SoakCall call, const SoakReference* reference, OnDone on_done, OnPiece on_piece);

  void on_body(const client::HttpResponseParser& response, std::string_view piece, double now)
      override;
  void on_end(const client::HttpResponseParser& response, const std::string& error, double now)
      override;

  const SoakCall& call() const { return call_; }
  int num_pieces() const { return num_pieces_; }
  int status() const { return status_; }  // 0: no answer

  client::HttpLoop::CallId id = 0;
  size_t slot = 0;  // of the run

 private:
  void take_event(std::string_view data);
  std::string problem(const client::HttpResponseParser& response, const std::string& error);
  std::string problem_of_stream();
  std::string problem_of_whole();
  std::string problem_of_texts() const;

  SoakCall call_;
  const SoakReference* reference_;  // nullptr: no completion
  OnDone on_done_;
  OnPiece on_piece_;
  client::SseScanner scanner_;
  client::CompletionReader reader_;
  std::vector<std::string> texts_;  // by choice
  std::vector<std::string> finish_reasons_;
  std::string body_;
  std::string broken_event_;
  std::optional<client::Usage> usage_;
  bool is_done_ = false;
  int num_pieces_ = 0;
  int status_ = 0;
};

}  // namespace quire::bench
