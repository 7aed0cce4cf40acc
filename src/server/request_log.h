#pragma once

#include <map>
#include <string>
#include <utility>

#include "quire/request_output.h"
#include "quire/server_config.h"
#include "server/http_message.h"

namespace quire::server {

// Logs a request as it came (--enable-log-requests), cut to max_log_len characters.
void log_request(const ServerConfig& config, const HttpRequest& request);

// Gathers the completions of one answer and logs each as it ends (--enable-log-outputs).
class OutputLog {
 public:
  OutputLog(const ServerConfig& config, std::string request_id)
      : config_(config), request_id_(std::move(request_id)) {}

  void add(int stream, const RequestOutput& output);

 private:
  struct Completion {
    std::string text;
    size_t num_tokens = 0;
  };

  const ServerConfig& config_;
  const std::string request_id_;
  std::map<std::pair<int, int>, Completion> completions_;  // by stream and index
};

}  // namespace quire::server
