#pragma once

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace quire::server {

// Why a call failed, for its client.
struct ErrorInfo {
  int status = 500;
  std::string type;  // OpenAI's: "NotFoundError", "BadRequestError" …
  std::string message;
  std::optional<std::string> param;  // the field at fault
};

// An error with a status of its own, thrown by handlers.
class ApiError : public std::runtime_error {
 public:
  ApiError(
      int status,
      std::string type,
      const std::string& message,
      std::optional<std::string> param = std::nullopt
  )
      : std::runtime_error(message), info_{status, std::move(type), message, std::move(param)} {}
  const ErrorInfo& info() const { return info_; }

 private:
  ErrorInfo info_;
};

// ApiError as it says, InvalidArgument 400 BadRequestError with its field as `param`, anything else
// 500 InternalServerError.
ErrorInfo describe(const std::exception& error);
// With the status's phrase as type: what HTTP itself refuses.
ErrorInfo http_error(int status, std::string message);

// How the clients of a route know errors: makes the body of an error response. `request_id` is
// empty where the request was not read so far.
using ErrorFormat = std::string (*)(const ErrorInfo& error, std::string_view request_id);

// {"error": {"message", "type", "param", "code"}}, OpenAI's shape; `code` is the status.
std::string error_json(const ErrorInfo& error);
// The same, but for a 401, which is vLLM's {"error":"Unauthorized"}.
std::string openai_error(const ErrorInfo& error, std::string_view request_id);

HttpResponse error_response(
    const ErrorInfo& error, ErrorFormat format = openai_error, std::string_view request_id = {}
);

}  // namespace quire::server
