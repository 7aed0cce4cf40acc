#include "server/request_parser.h"

#include <algorithm>

#include <boost/beast/http/basic_parser.hpp>
#include <fmt/format.h>

#include "server/header_text.h"

namespace quire::server {
namespace {

namespace http = boost::beast::http;
using BoostText = boost::beast::string_view;
using ErrorCode = boost::beast::error_code;

constexpr size_t kJsonPadding = 64;  // bytes that simdjson may read beyond its text
constexpr size_t kMaxFirstReserve = 1 << 20;  // an announced length is only believed so far
constexpr size_t kMaxChunkLine = 4096;  // the size of a chunk with its extensions
constexpr size_t kLastChunkBytes = 5;  // "0\r\n\r\n"
constexpr size_t kMaxRequestIdBytes = 256;

std::string_view view(BoostText text) {
  return {text.data(), text.size()};
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    if (!pair.empty()) {
      const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
      query[percent_decode(pair.substr(0, equals), true)] = percent_decode(value, true);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// The path and query of any form of target.
std::string_view without_authority(std::string_view target) {
  if (target.starts_with('/')) return target;
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  const size_t slash = target.find_first_of("/?", scheme + 3);
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

}  // namespace

struct RequestParser::Impl final : http::basic_parser<true> {
  explicit Impl(const ParserLimits& given) : limits(given) {
    eager(true);
    header_limit(static_cast<std::uint32_t>(limits.max_head_bytes));
    // The base class counts a chunk anew whenever it must wait for the rest of its line.
    body_limit(boost::none);
  }

  void fail(int status, std::string message) {
    if (failed_status != 0) return;
    failed_status = status;
    failure = std::move(message);
  }

  // Also tells the base class to go no further.
  void refuse(int status, std::string message, ErrorCode& error) {
    fail(status, std::move(message));
    error = http::error::bad_value;
  }

  void announce_bytes(uint64_t num_bytes, ErrorCode& error) {
    if (num_bytes <= limits.max_body_bytes - num_announced) {
      num_announced += num_bytes;
      return;
    }
    refuse(
        413,
        fmt::format("The body of a request has at most {} bytes.", limits.max_body_bytes),
        error
    );
  }

  void translate(const ErrorCode& error) {
    if (error == http::error::header_limit) {
      fail(431, fmt::format("The head of a request has at most {} bytes.", limits.max_head_bytes));
    } else if (error == http::error::bad_version) {
      fail(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    } else {
      fail(400, fmt::format("This is not a well-formed HTTP request: {}.", error.message()));
    }
  }

  void on_request_impl(
      http::verb, BoostText method, BoostText target_text, int version_number, ErrorCode& error
  ) override {
    version = version_number;
    request.method = view(method);
    target = view(target_text);
    if (method == "CONNECT") return refuse(501, "CONNECT is not supported.", error);
    const std::string_view rest = without_authority(target);
    const std::string_view before_fragment = rest.substr(0, rest.find('#'));
    const size_t question = std::min(before_fragment.find('?'), before_fragment.size());
    request.path = percent_decode(before_fragment.substr(0, question));
    if (!request.path.starts_with('/') && target != "*") {
      if (!rest.starts_with('?')) return refuse(400, "The target must be a path.", error);
      request.path = "/";
    }
    if (question < before_fragment.size())
      parse_query(before_fragment.substr(question + 1), request.query);
  }

  void on_response_impl(int, BoostText, int, ErrorCode&) override {}

  void on_field_impl(http::field field, BoostText name, BoostText value, ErrorCode& error)
      override {
    if (head_is_done) return;  // a trailer, of which nothing is needed
    if (static_cast<int>(request.headers.size()) >= limits.max_headers) {
      return refuse(
          431, fmt::format("A request has at most {} headers.", limits.max_headers), error
      );
    }
    if (field == http::field::content_length) {
      if (std::exchange(has_length, true) || !is_digits(view(value)))
        return refuse(400, "There must be one Content-Length, and it a number.", error);
    } else if (field == http::field::transfer_encoding) {
      if (std::exchange(has_encoding, true) || version < 11)
        return refuse(400, "There must be one Transfer-Encoding, and HTTP/1.1.", error);
      if (!equals_ignoring_case(view(value), "chunked"))
        return refuse(501, "The only Transfer-Encoding known here is chunked.", error);
    } else if (field == http::field::host) {
      if (std::exchange(has_host, true)) return refuse(400, "There must be one Host.", error);
    } else if (field == http::field::expect) {
      if (!equals_ignoring_case(view(value), "100-continue"))
        return refuse(417, "The only expectation known here is 100-continue.", error);
      expects_continue = version >= 11;
    }
    request.headers.emplace_back(to_lower(view(name)), view(value));
  }

  void on_header_impl(ErrorCode& error) override {
    if (has_length && has_encoding)
      return refuse(400, "Content-Length and Transfer-Encoding exclude each other.", error);
    if (version >= 11 && !has_host) return refuse(400, "The Host header is missing.", error);
    if (const std::string* id = request.find_header("x-request-id")) {
      if (id->size() <= kMaxRequestIdBytes) request.request_id = *id;
    }
    announce_bytes(content_length().value_or(0), error);
    if (!error) head_is_done = true;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode&) override {
    const size_t expected = std::min<std::uint64_t>(length.value_or(0), kMaxFirstReserve);
    request.body.reserve(expected + kJsonPadding);
  }

  std::size_t on_body_impl(BoostText text, ErrorCode&) override {
    request.body.append(text.data(), text.size());
    return text.size();
  }

  void on_chunk_header_impl(std::uint64_t size, BoostText, ErrorCode& error) override {
    announce_bytes(size, error);
  }

  std::size_t on_chunk_body_impl(std::uint64_t, BoostText text, ErrorCode&) override {
    request.body.append(text.data(), text.size());
    return text.size();
  }

  void on_finish_impl(ErrorCode&) override {
    request.body.reserve(request.body.size() + kJsonPadding);
  }

  size_t put_bytes(std::string_view bytes) {
    size_t num_skipped = 0;
    // An empty line may stand before a request.
    while (!got_some() && bytes.starts_with("\r\n")) {
      bytes.remove_prefix(2);
      num_skipped += 2;
    }
    if (bytes.empty() || (!got_some() && bytes == "\r")) return num_skipped;
    // Of a chunked body there are always so many left; the base class relies on it.
    if (head_is_done && chunked() && bytes.size() < kLastChunkBytes) return num_skipped;
    ErrorCode error;
    const size_t taken = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error == http::error::need_more) {
      const size_t limit = std::max(kMaxChunkLine, limits.max_head_bytes);
      if (head_is_done && bytes.size() - taken > limit)
        fail(400, "The line of a chunk's size, or the trailer, is too long.");
    } else if (error) {
      translate(error);
    }
    return num_skipped + taken;
  }

  const ParserLimits limits;
  HttpRequest request;
  std::string target;
  std::string failure;
  uint64_t num_announced = 0;  // of the body, at most limits.max_body_bytes
  int failed_status = 0;
  int version = 11;
  bool head_is_done = false;
  bool has_length = false;
  bool has_encoding = false;
  bool has_host = false;
  bool expects_continue = false;
};

RequestParser::RequestParser(const ParserLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

size_t RequestParser::put(std::string_view bytes) {
  if (is_done() || has_failed()) return 0;
  return impl_->put_bytes(bytes);
}

bool RequestParser::has_head() const {
  return impl_->head_is_done;
}
bool RequestParser::is_done() const {
  return impl_->is_done();
}
int RequestParser::failed_status() const {
  return impl_->failed_status;
}
const std::string& RequestParser::failure() const {
  return impl_->failure;
}
bool RequestParser::expects_continue() const {
  return impl_->expects_continue;
}
bool RequestParser::keep_alive() const {
  return impl_->keep_alive();
}
bool RequestParser::is_http_1_0() const {
  return impl_->version < 11;
}
uint64_t RequestParser::body_bytes_announced() const {
  return impl_->content_length().value_or(0);
}
bool RequestParser::is_chunked() const {
  return impl_->chunked();
}
const std::string& RequestParser::target() const {
  return impl_->target;
}
HttpRequest& RequestParser::request() {
  return impl_->request;
}

}  // namespace quire::server
