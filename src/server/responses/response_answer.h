#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/calls/completion_reader.h"
#include "server/handler.h"
#include "server/responses/response_output.h"
#include "server/responses/response_store.h"

namespace quire::server {

// What an answer of /v1/responses is made of.
struct ResponseSetup {
  const ServerState* state = nullptr;
  ResponseHead head;
  RenderedChat chat;
  std::string engine_request_id;
  bool parallel_tool_calls = true;
  bool stream = false;
  std::optional<int> top_logprobs;  // to report per token; none: no logprobs
  std::shared_ptr<ResponseStore> store;  // nullptr: the response is not kept
  std::string conversation;  // StoredResponse::conversation, without the answer
};

class ResponseAnswer : public Answer {
 public:
  explicit ResponseAnswer(ResponseSetup setup);
  ~ResponseAnswer() override;  // a response that has not ended is over: its client went away

  void add(int index, RequestOutput output, std::string& events) override;
  HttpResponse finish(std::string& events) override;
  void fail(const ErrorInfo& error, std::string* events) override;

 private:
  void begin(std::string& events);
  void end(const ResponseState& state, std::string& events);
  std::string logprobs_of(const RequestOutput& output) const;
  ResponseState final_state() const;
  ResponseUsage usage() const;
  std::string response_json(const ResponseState& state) const;
  std::string conversation_with_answer() const;
  void keep(const ResponseState& state, bool is_running);

  ResponseSetup setup_;
  CompletionReader reader_;
  ResponseEvents events_;
  ResponseOutput output_;
  bool has_begun_ = false;
  bool has_ended_ = false;
};

}  // namespace quire::server
