#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "quire/async_engine.h"
#include "server/api_error.h"
#include "server/http_message.h"

namespace quire::server {

// Turns the outputs of one API call into its answer. Used by one thread at a time; knows nothing of
// sockets.
class Answer {
 public:
  virtual ~Answer() = default;
  // Takes the next output of stream `index`. A streaming answer appends what it makes of it, as
  // whole server-sent events, to `events`; the others keep it.
  virtual void add(int index, RequestOutput output, std::string& events) = 0;
  // After the last output of all streams. A streaming answer appends its last events and returns
  // nothing of worth; the others return the response.
  virtual HttpResponse finish(std::string& events) = 0;
  // Instead of finish(): the call is broken off. The events of a stream that has begun end with
  // ones that tell so; nullptr: the client gets an error response, which is not made here.
  virtual void fail(const ErrorInfo& error, std::string* events) = 0;
};

// An answer that waits for the engine. Destroying the streams aborts their requests.
struct Generation {
  std::vector<std::shared_ptr<RequestStream>> streams;
  std::unique_ptr<Answer> answer;
  bool is_streaming = false;  // server-sent events, else one response
  Headers headers;  // of a streaming answer
};

using Reply = std::variant<HttpResponse, Generation>;

// What a call knows beside its request.
struct CallContext {
  // Wakes the connection when a stream has something to read: for AddRequestOptions::on_output.
  std::function<void()> on_output;
};

// May throw: InvalidArgument becomes a 400 that names the field, see describe().
using Handler = std::function<Reply(const HttpRequest& request, const CallContext& context)>;

struct Route {
  std::string method;  // GET, POST …
  std::string path;  // {name} stands for one segment
  Handler handler;
  bool may_block = false;  // waits for the engine: runs on a thread of its own
  bool takes_any_body = false;  // JSON or not, unlike the others
  ErrorFormat error_format = openai_error;  // also of what is refused at or below its path
};

}  // namespace quire::server
