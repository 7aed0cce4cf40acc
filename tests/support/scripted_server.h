#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace quire::test {

struct ScriptedRequest {
  std::string method;
  std::string target;
  std::string head;  // as it came
  std::string body;
};

struct ScriptedResponse {
  std::string bytes;  // of HTTP, sent as they are
  bool closes = false;  // the connection, behind the bytes
};

// An HTTP server on a port of 127.0.0.1 that answers what the test says, right or wrong. It is
// called from one thread for each connection.
class ScriptedServer {
 public:
  using Script = std::function<ScriptedResponse(const ScriptedRequest&)>;
  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const;  // http://127.0.0.1:port
  int num_connections() const { return num_connections_; }
  std::vector<ScriptedRequest> requests() const;

 private:
  void accept_all();
  void serve(int fd);

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> num_connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<int> open_;  // sockets that are served
  std::vector<ScriptedRequest> requests_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// A whole response with a length.
std::string http_response(
    int status, const std::string& body, const std::string& content_type = "application/json"
);
// The head of a chunked event stream, its events ("data: …" each), and its end.
std::string sse_response(const std::vector<std::string>& events);
std::string chunk(const std::string& bytes);

// A stream of /v1/completions with one event a token, usage and [DONE].
std::string completion_stream(int num_prompt_tokens, int num_tokens);

}  // namespace quire::test
