#pragma once

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace quire::server {

// An error with a status of its own, thrown by handlers.
class ApiError : public std::runtime_error {
 public:
  ApiError(
      int status,
      std::string type,
      const std::string& message,
      std::optional<std::string> param = std::nullopt
  )
      : std::runtime_error(message),
        status_(status),
        type_(std::move(type)),
        param_(std::move(param)) {}
  int status() const { return status_; }
  const std::string& type() const { return type_; }
  const std::optional<std::string>& param() const { return param_; }

 private:
  int status_;
  std::string type_;  // "NotFoundError", "BadRequestError" …
  std::optional<std::string> param_;
};

// {"error": {"message", "type", "param", "code"}}, OpenAI's shape; `code` is the status.
std::string error_json(
    int status,
    std::string_view type,
    std::string_view message,
    const std::optional<std::string>& param = std::nullopt
);

// The error as a response: ApiError as it says, InvalidArgument 400 BadRequestError with its field
// as `param`, anything else 500 InternalServerError.
HttpResponse error_response(const std::exception& error);

}  // namespace quire::server
