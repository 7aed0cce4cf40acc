#include "client/api_call.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/ca_bundle.h"
#include "base/check.h"
#include "client/completion_chunk.h"
#include "quire/error.h"

namespace quire::client {
namespace {

constexpr long kConnectTimeoutSeconds = 30;
constexpr size_t kMaxBodyBytes = 64 << 20;
constexpr size_t kMaxShownBytes = 300;

}  // namespace

struct ApiCaller::Transfer {
  CURL* curl;
  OnEvent on_event;
  ApiResponse response;
  SseScanner scanner;
  const std::atomic<bool>* stop_flag = nullptr;
  bool is_first = true;
  bool was_stopped = false;
  bool is_too_long = false;

  // How many bytes it took: fewer than all stop the transfer.
  size_t take(std::string_view piece) {
    if (std::exchange(is_first, false)) read_head();
    if (!response.is_event_stream) {
      is_too_long = response.body.size() + piece.size() > kMaxBodyBytes;
      if (is_too_long) return 0;
      response.body += piece;
      return piece.size();
    }
    scanner.feed(piece, [this](const SseEvent& event) {
      if (!was_stopped && !on_event(event)) was_stopped = true;
    });
    return was_stopped ? 0 : piece.size();
  }

  void read_head() {
    const char* type = nullptr;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    response.is_event_stream = type && std::string_view(type).starts_with("text/event-stream");
  }

  // Called about once a second, even when nothing comes.
  static int on_progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& transfer = *static_cast<Transfer*>(data);
    if (transfer.stop_flag != nullptr && *transfer.stop_flag) transfer.was_stopped = true;
    return transfer.was_stopped ? 1 : 0;
  }

  static size_t on_bytes(char* data, size_t size, size_t number, void* transfer) {
    return static_cast<Transfer*>(transfer)->take({data, size * number});
  }
};

ApiCaller::ApiCaller(std::string base_url, std::optional<std::string> api_key)
    : base_url_(std::move(base_url)) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  QUIRE_CHECK(initialised == CURLE_OK);
  curl_ = curl_easy_init();
  QUIRE_CHECK(curl_ != nullptr);
  curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
  list = curl_slist_append(list, "Expect:");  // the body follows at once, however long it is
  if (api_key) list = curl_slist_append(list, ("Authorization: Bearer " + *api_key).c_str());
  headers_ = list;
}

ApiCaller::~ApiCaller() {
  curl_slist_free_all(static_cast<curl_slist*>(headers_));
  curl_easy_cleanup(curl_);
}

ApiResponse ApiCaller::get(const std::string& path) {
  return perform(path, nullptr, [](const SseEvent&) { return true; });
}

ApiResponse ApiCaller::post(const std::string& path, const std::string& json, OnEvent on_event) {
  return perform(path, &json, on_event);
}

ApiResponse ApiCaller::perform(const std::string& path, const std::string* json, OnEvent on_event) {
  CURL* curl = curl_;
  const std::string url = base_url_ + path;
  Transfer transfer{.curl = curl, .on_event = on_event};
  transfer.stop_flag = stop_flag_;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "quire");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  if (const auto file = ca_bundle()) curl_easy_setopt(curl, CURLOPT_CAINFO, file->c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  if (json != nullptr) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json->size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json->c_str());
  }
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer.response.status);
  if (transfer.is_too_long) throw EnvironmentError(url + ": the answer is too long.");
  if (code != CURLE_OK && !transfer.was_stopped) {
    throw EnvironmentError(fmt::format("{}: {}.", url, curl_easy_strerror(code)));
  }
  return std::move(transfer.response);
}

std::string error_message(const ApiResponse& response) {
  CompletionReader reader;
  const auto answer = reader.read(response.body);
  if (answer && answer->error) return std::string(*answer->error);
  const std::string_view body = std::string_view(response.body).substr(0, kMaxShownBytes);
  return body.empty() ? fmt::format("status {}", response.status)
                      : fmt::format("status {}: {}", response.status, body);
}

}  // namespace quire::client
