#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http_message.h"

namespace quire::server {

// Who may call /v1, /v2 and /inference: those who show one of the keys, as
// `Authorization: Bearer KEY` or, like clients of the Messages API, as `x-api-key: KEY`.
class ApiKeys {
 public:
  explicit ApiKeys(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  // Everything is allowed without keys, and so are other paths and CORS preflights.
  bool allow(const HttpRequest& request) const;

 private:
  bool is_key(std::string_view key) const;

  std::vector<std::string> keys_;
};

}  // namespace quire::server
