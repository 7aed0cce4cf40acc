#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "quire/api.h"

namespace QUIRE_API quire {

// The user's mistake: a bad option, request or file. `field` names what to change; the message
// says what is wrong and how to mend it. Server: HTTP 400. Python: ValueError. CLI: exit code 1.
class InvalidArgument : public std::runtime_error {
 public:
  InvalidArgument(std::string field, const std::string& message)
      : std::runtime_error(message), field_(std::move(field)) {}
  const std::string& field() const { return field_; }

 private:
  std::string field_;
};

// The environment failed: a missing file, a download, a device call. The message names it.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A bug in quire. The engine fails its live requests and marks itself dead.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace quire
