#pragma once

#include <string>
#include <vector>

#include "server/message_parser.h"
#include "server/responses/response_events.h"
#include "server/responses/response_json.h"

namespace quire::server {

// Makes the items of a response out of what the model says, and for a stream their events.
class ResponseOutput {
 public:
  // `id`: of the response; the items' ids come from it. `events`: nullptr: nobody listens.
  ResponseOutput(std::string id, ResponseEvents* events)
      : id_(std::move(id)), events_writer_(events) {}

  // `logprobs`: JSON objects of the tokens in `delta`, comma between; or empty.
  void add(const MessageDelta& delta, std::string_view logprobs, std::string& events);
  // The last item is whole, unless the response was `is_cut`. Without any, there is an empty
  // message.
  void finish(bool is_cut, std::string& events);

  const std::vector<OutputItem>& items() const { return items_; }

 private:
  OutputItem& open(OutputItem::Kind kind, std::string& events);
  OutputItem& open_call(const ToolCallDelta& call, std::string& events);
  void close(std::string_view status, std::string& events);
  void append(
      OutputItem& item, std::string_view text, std::string_view logprobs, std::string& events
  );
  bool is_open(OutputItem::Kind kind) const;
  OutputItem new_item(OutputItem::Kind kind) const;

  std::string id_;
  ResponseEvents* events_writer_;
  std::vector<OutputItem> items_;
  bool has_open_item_ = false;
  int open_call_index_ = -1;  // of the message's calls
};

}  // namespace quire::server
