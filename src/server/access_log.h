#pragma once

#include <set>
#include <string>
#include <string_view>

#include "quire/server_config.h"

namespace quire::server {

// A line for each answer, as it begins: 127.0.0.1:40312 - "GET /health HTTP/1.1" 200 OK
class AccessLog {
 public:
  explicit AccessLog(const ServerConfig& config);

  bool is_on() const { return is_on_; }
  struct Line {
    std::string_view peer;  // address of the client
    std::string_view method;
    std::string_view target;
    std::string_view path;  // of the target, decoded
    bool is_http_1_0 = false;
    int status = 0;
  };
  void write(const Line& line) const;

 private:
  bool is_on_;
  std::set<std::string, std::less<>> silent_paths_;
};

}  // namespace quire::server
