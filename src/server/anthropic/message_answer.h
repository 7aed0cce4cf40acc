#pragma once

#include <string>

#include "server/anthropic/message_events.h"
#include "server/calls/completion_reader.h"
#include "server/handler.h"

namespace quire::server {

struct MessageSetup {
  MessageHead head;
  RenderedChat chat;
  bool parallel_tool_calls = true;
  bool stream = false;
  bool shows_cached_tokens = false;  // usage tells them apart
  std::string request_id;
};

class MessageAnswer : public Answer {
 public:
  explicit MessageAnswer(MessageSetup setup);

  void add(int index, RequestOutput output, std::string& events) override;
  HttpResponse finish(std::string& events) override;
  void fail(const ErrorInfo& error, std::string* events) override;

 private:
  MessagesUsage usage() const;
  std::optional<std::string> failure() const;

  MessageSetup setup_;
  CompletionReader reader_;
  MessageBlocks blocks_;
  bool has_begun_ = false;
};

}  // namespace quire::server
