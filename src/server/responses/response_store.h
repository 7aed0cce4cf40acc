#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "server/responses/response_json.h"

namespace quire::server {

struct StoredResponse {
  ResponseHead head;
  std::string engine_request_id;
  bool is_running = false;
  std::string response_json;  // as it is now
  // Messages of /v1/chat/completions, a JSON array: all that was said up to this response, with its
  // answer. Empty while it runs.
  std::string conversation;

  size_t num_bytes() const {
    return head.request_members.size() + response_json.size() + conversation.size();
  }
};

// The last responses of /v1/responses, in memory: those that nobody asked for the longest go first
// when there are too many. Thread-safe.
class ResponseStore {
 public:
  ResponseStore(size_t max_responses, size_t max_bytes)
      : max_responses_(max_responses), max_bytes_(max_bytes) {}

  // Adds a response, or replaces the one with its id.
  void put(StoredResponse response);
  std::optional<StoredResponse> find(const std::string& id);
  size_t size() const;

 private:
  using Entries = std::list<StoredResponse>;
  void remove(Entries::iterator entry);

  const size_t max_responses_;
  const size_t max_bytes_;
  mutable std::mutex mutex_;
  Entries entries_;  // the last one asked for in front
  std::unordered_map<std::string, Entries::iterator> by_id_;
  size_t num_bytes_ = 0;
};

}  // namespace quire::server
