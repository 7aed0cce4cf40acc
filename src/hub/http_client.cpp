#include "hub/http_client.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/ca_bundle.h"
#include "base/check.h"

namespace quire {
namespace {

constexpr size_t kMaxTextBytes = size_t{64} << 20;
constexpr long kConnectTimeoutSeconds = 15;
constexpr long kStallSeconds = 30;  // without a byte: the connection counts as broken
constexpr int kMaxRedirects = 10;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return out;
}

bool is_success(long status) {
  return status >= 200 && status < 300;
}
bool is_redirect(long status) {
  return status >= 300 && status < 400;
}

// "https://host:port" of an address.
std::string origin_of(const std::string& url) {
  const auto scheme = url.find("://");
  return url.substr(0, url.find('/', scheme == std::string::npos ? 0 : scheme + 3));
}

}  // namespace

struct HttpClient::Transfer {
  HttpResponse response;
  const Sink* sink = nullptr;  // nullptr: the body is text for the response
  bool stopped = false;

  void on_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // a new answer, after a redirect too
      response = HttpResponse();
      const auto space = line.find(' ');
      if (space != std::string_view::npos) {
        response.status = std::strtol(line.data() + space, nullptr, 10);
      }
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    response.headers[lower(trimmed(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
  }

  bool on_body(std::string_view piece) {
    if (sink != nullptr && is_success(response.status)) {
      stopped = !(*sink)(response, piece);
      return !stopped;
    }
    if (response.body.size() + piece.size() > kMaxTextBytes) return false;
    response.body.append(piece);
    return true;
  }
};

namespace {

template <class Transfer>
size_t header_callback(char* data, size_t size, size_t count, void* user) {
  static_cast<Transfer*>(user)->on_header({data, size * count});
  return size * count;
}

template <class Transfer>
size_t body_callback(char* data, size_t size, size_t count, void* user) {
  return static_cast<Transfer*>(user)->on_body({data, size * count}) ? size * count : 0;
}

}  // namespace

std::optional<std::string> HttpResponse::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

HttpClient::HttpClient(std::optional<std::string> token) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  QUIRE_CHECK(initialised == CURLE_OK);
  curl_ = curl_easy_init();
  QUIRE_CHECK(curl_ != nullptr);
  // The hub's metadata describes the file as it is stored.
  curl_slist* list = curl_slist_append(nullptr, "Accept-Encoding: identity");
  if (token) list = curl_slist_append(list, ("Authorization: Bearer " + *token).c_str());
  header_list_ = list;
}

HttpClient::~HttpClient() {
  curl_slist_free_all(static_cast<curl_slist*>(header_list_));
  curl_easy_cleanup(curl_);
}

void HttpClient::set_defaults(const std::string& url, Transfer& transfer) {
  CURL* curl = curl_;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, header_list_);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "quire");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  if (const auto file = ca_bundle()) curl_easy_setopt(curl, CURLOPT_CAINFO, file->c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, static_cast<long>(kMaxRedirects));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_callback<Transfer>);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_callback<Transfer>);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
}

HttpResponse HttpClient::perform(const std::string& url, Transfer& transfer) {
  const CURLcode code = curl_easy_perform(curl_);
  if (code != CURLE_OK && !transfer.stopped) {
    const std::string text = fmt::format("{}: {}", url, curl_easy_strerror(code));
    if (code == CURLE_COULDNT_RESOLVE_HOST) throw UnknownHostError(text);
    throw ConnectionError(text);
  }
  return std::move(transfer.response);
}

HttpResponse HttpClient::get(const std::string& url) {
  Transfer transfer;
  set_defaults(url, transfer);
  curl_easy_setopt(curl_, CURLOPT_FOLLOWLOCATION, 1L);
  return perform(url, transfer);
}

HttpResponse HttpClient::head(const std::string& url) {
  std::string address = url;
  for (int i = 0; i <= kMaxRedirects; ++i) {
    Transfer transfer;
    set_defaults(address, transfer);
    curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
    HttpResponse response = perform(address, transfer);
    const auto location = response.header("location");
    const bool within_host = is_redirect(response.status) && location &&
                             location->starts_with('/') && !location->starts_with("//");
    if (!within_host) return response;
    address = origin_of(address) + *location;
  }
  throw EnvironmentError(fmt::format("{}: more than {} redirects", url, kMaxRedirects));
}

HttpResponse HttpClient::download(const std::string& url, int64_t offset, Sink sink) {
  Transfer transfer;
  transfer.sink = &sink;
  set_defaults(url, transfer);
  curl_easy_setopt(curl_, CURLOPT_FOLLOWLOCATION, 1L);
  const std::string range = fmt::format("{}-", offset);
  if (offset > 0) curl_easy_setopt(curl_, CURLOPT_RANGE, range.c_str());
  return perform(url, transfer);
}

std::string url_encode(std::string_view text, std::string_view keep) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("-._~").find(c) != std::string_view::npos ||
                       keep.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace quire
