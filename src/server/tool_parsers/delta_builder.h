#pragma once

#include <string_view>

#include "server/message_parser.h"

namespace quire::server {

// Collects what one piece of text adds to the message.
class DeltaBuilder {
 public:
  void add_content(std::string_view text) { delta_.content += text; }
  void add_reasoning(std::string_view text) { delta_.reasoning += text; }

  // What follows, until end_call(), belongs to the call.
  void begin_call(std::string_view name);
  void add_arguments(std::string_view json);
  void end_call() { call_is_open_ = false; }
  bool call_is_open() const { return call_is_open_; }
  int num_calls() const { return num_calls_; }

  MessageDelta take();

 private:
  MessageDelta delta_;
  int num_calls_ = 0;
  bool call_is_open_ = false;
};

}  // namespace quire::server
