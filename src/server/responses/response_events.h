#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/responses/response_json.h"

namespace quire::server {

// Writes the server-sent events of a response, numbered in their order. The caller keeps to the
// order of the API: created, in_progress, then for each item added, its deltas, done; at last one
// of completed, incomplete and failed.
class ResponseEvents {
 public:
  // "response.created" and the like: an event that carries the whole response.
  void response(
      std::string& events,
      std::string_view type,
      const ResponseHead& head,
      const ResponseState& state,
      const std::vector<OutputItem>& items
  );
  void item_added(std::string& events, int output_index, const OutputItem& item);
  // The next piece of the item's text, thoughts or arguments. `logprobs`: JSON objects of it.
  void delta(
      std::string& events,
      int output_index,
      const OutputItem& item,
      std::string_view text,
      std::string_view logprobs = {}
  );
  // `status`: completed or incomplete.
  void item_done(
      std::string& events, int output_index, const OutputItem& item, std::string_view status
  );

 private:
  JsonWriter begin(std::string& events, std::string_view type);
  void end(std::string& events, JsonWriter& writer);
  void content_part(
      std::string& events,
      std::string_view type,
      int output_index,
      const OutputItem& item,
      std::string_view text
  );
  void text_done(std::string& events, int output_index, const OutputItem& item);

  int64_t sequence_number_ = 0;
};

}  // namespace quire::server
