#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "client/sse_scanner.h"

namespace quire::client {

struct ApiResponse {
  long status = 0;
  bool is_event_stream = false;
  std::string body;  // of a stream nothing: its events were handed out
};

// One call after the other to an OpenAI server, over HTTP or HTTPS, through the proxy that the
// environment names.
class ApiCaller {
 public:
  // `base_url` ends before /chat/completions and the like: "http://localhost:8000/v1".
  ApiCaller(std::string base_url, std::optional<std::string> api_key);
  ~ApiCaller();
  ApiCaller(const ApiCaller&) = delete;
  ApiCaller& operator=(const ApiCaller&) = delete;

  // Each throws EnvironmentError when no whole response comes.
  ApiResponse get(const std::string& path);
  // Hands out the events of a stream as they come, until `on_event` returns false.
  using OnEvent = FunctionRef<bool(const SseEvent&)>;
  ApiResponse post(const std::string& path, const std::string& json, OnEvent on_event);

  // While `flag` is set, a call ends as if `on_event` had returned false, within a second.
  void stop_when(const std::atomic<bool>& flag) { stop_flag_ = &flag; }

  const std::string& base_url() const { return base_url_; }

 private:
  struct Transfer;
  ApiResponse perform(const std::string& path, const std::string* json, OnEvent on_event);

  std::string base_url_;
  const std::atomic<bool>* stop_flag_ = nullptr;
  void* curl_;  // CURL*
  void* headers_ = nullptr;  // curl_slist*
};

// The message of an error's body in OpenAI's shape, or the beginning of the body.
std::string error_message(const ApiResponse& response);

}  // namespace quire::client
