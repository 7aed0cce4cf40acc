#pragma once

#include <string>

namespace quire::client {

// http://host:port/path; an IPv6 host stands in brackets.
struct Url {
  bool is_tls = false;
  std::string host;  // without brackets
  int port = 80;
  std::string path;  // begins with / or is empty; never ends with /

  std::string authority() const;  // host:port, as the Host header has it
  std::string to_string() const;
};

// Throws InvalidArgument, whose field is `option`, for what is no such address.
Url parse_url(const std::string& option, const std::string& text);

}  // namespace quire::client
