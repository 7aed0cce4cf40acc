#include "client/url.h"

#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire::client {
namespace {

[[noreturn]] void fail(const std::string& option, const std::string& text, const char* why) {
  throw InvalidArgument(
      option, fmt::format("'{}' {}. Write http://HOST:PORT or https://HOST.", text, why)
  );
}

// Takes the port behind the host, if there is one.
void take_port(
    const std::string& option, const std::string& text, std::string_view rest, Url& url
) {
  if (rest.empty()) return;
  if (rest.front() != ':') fail(option, text, "is no address");
  rest.remove_prefix(1);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), url.port);
  const bool is_number = error == std::errc() && end == rest.data() + rest.size();
  if (!is_number || url.port < 1 || url.port > 65535) fail(option, text, "has no valid port");
}

void take_authority(
    const std::string& option, const std::string& text, std::string_view authority, Url& url
) {
  size_t end = authority.find(':');
  if (authority.starts_with('[')) {
    end = authority.find(']');
    if (end == std::string_view::npos) fail(option, text, "has a bracket that is never closed");
    url.host = authority.substr(1, end - 1);
    ++end;
  } else {
    end = std::min(end, authority.size());
    url.host = authority.substr(0, end);
  }
  if (url.host.empty()) fail(option, text, "names no host");
  if (url.host.find('@') != std::string::npos) fail(option, text, "has a user's name");
  take_port(option, text, authority.substr(end), url);
}

}  // namespace

std::string Url::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Url::to_string() const {
  return (is_tls ? "https://" : "http://") + authority() + path;
}

Url parse_url(const std::string& option, const std::string& text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f) fail(option, text, "has a space or a control character");
  }
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.is_tls = true;
    url.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    fail(option, text, "begins with neither http:// nor https://");
  }
  const size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  take_authority(option, text, rest.substr(0, slash), url);
  url.path = rest.substr(slash);
  if (url.path.find_first_of("?#") != std::string::npos) fail(option, text, "has more than a path");
  while (url.path.ends_with('/'))
    url.path.pop_back();
  return url;
}

}  // namespace quire::client
