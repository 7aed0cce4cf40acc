#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "quire/error.h"

namespace quire {

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;  // get() and errors only

  std::optional<std::string> header(const std::string& lower_case_name) const;
};

// No answer, or not all of it: worth another try.
class ConnectionError : public EnvironmentError {
 public:
  using EnvironmentError::EnvironmentError;
};

// The host's name means nothing here: no network, or a wrong address. Another try would not help.
class UnknownHostError : public ConnectionError {
 public:
  using ConnectionError::ConnectionError;
};

// Blocking HTTP on one connection. The token goes to the host of the first address only, never to
// one that it redirects to.
class HttpClient {
 public:
  explicit HttpClient(std::optional<std::string> token);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpResponse get(const std::string& url);

  // Follows redirects within the host only: the answer of a redirect to another host carries the
  // file's own headers.
  HttpResponse head(const std::string& url);

  // Hands the body of a successful answer to `sink` piece by piece; asks for it from `offset` on.
  // The sink sees the status and headers and returns false to stop, which then returns normally.
  using Sink = FunctionRef<bool(const HttpResponse&, std::string_view piece)>;
  HttpResponse download(const std::string& url, int64_t offset, Sink sink);

 private:
  struct Transfer;
  HttpResponse perform(const std::string& url, Transfer& transfer);
  void set_defaults(const std::string& url, Transfer& transfer);

  void* curl_;  // CURL*
  void* header_list_ = nullptr;  // curl_slist*
};

// Percent-encodes everything but letters, digits and "-._~"; `keep` names more to leave.
std::string url_encode(std::string_view text, std::string_view keep = "");

}  // namespace quire
