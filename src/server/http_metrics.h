#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/handler.h"

namespace quire::server {

// Counters and times of the answers, under the names that prometheus_fastapi_instrumentator gives
// them. All threads may record.
class HttpMetrics {
 public:
  HttpMetrics();
  ~HttpMetrics();

  // The metrics of one route; it lives as long as this object. Made once, before the route serves.
  class Handler;
  Handler& add_handler(const std::string& method, const std::string& path);

  struct Sample {
    int status = 200;
    double seconds = 0.0;  // from the call of the handler to the end of the answer
    size_t request_bytes = 0;  // of the bodies
    size_t response_bytes = 0;
  };
  void record(Handler& handler, const Sample& sample);

  std::string text() const;  // Prometheus' text format

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire::server
