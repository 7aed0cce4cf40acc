#pragma once

#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace quire::client {

struct SseEvent {
  std::string_view event;  // its `event:` field; empty: none
  std::string_view data;  // its `data:` lines, with newlines between them
};

// Finds the events of a text/event-stream that arrives in pieces of any size. Comments and the
// fields `id` and `retry` are passed over; an event without data is none.
class SseScanner {
 public:
  using OnEvent = FunctionRef<void(const SseEvent&)>;

  // The views are valid during the call of `on_event`.
  void feed(std::string_view piece, OnEvent on_event);
  // Bytes of an event that is not complete yet.
  bool has_rest() const { return !rest_.empty() || has_data_; }
  void reset();

 private:
  size_t take_plain_event(std::string_view piece, OnEvent on_event);
  void take_line(std::string_view line, OnEvent on_event);

  std::string rest_;  // the beginning of a line
  std::string event_;
  std::string data_;
  bool has_data_ = false;
  bool ended_with_cr_ = false;  // a newline that follows belongs to it
};

}  // namespace quire::client
