#include "client/http_response_parser.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace quire::client {
namespace {

constexpr size_t kMaxHeadBytes = 64 << 10;
constexpr size_t kMaxLineBytes = 8 << 10;  // of a chunk's size or a trailer
constexpr uint64_t kMaxBodyBytes = uint64_t{1} << 40;

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  for (size_t i = 0; i + part.size() <= text.size(); ++i) {
    if (equals_ignoring_case(text.substr(i, part.size()), part)) return true;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

size_t HttpResponseParser::feed(
    std::string_view bytes, FunctionRef<void(std::string_view)> on_body
) {
  size_t num_taken = 0;
  while (num_taken < bytes.size() && state_ != State::kComplete && state_ != State::kFailed) {
    num_taken += step(bytes.substr(num_taken), on_body);
  }
  return num_taken;
}

// Takes at least one byte.
size_t HttpResponseParser::step(
    std::string_view bytes, FunctionRef<void(std::string_view)> on_body
) {
  switch (state_) {
    case State::kHead:
      return take_head(bytes);
    case State::kSizedBody:
    case State::kChunkData:
    case State::kBodyUntilClose:
      return take_body(bytes, on_body);
    default:
      break;
  }
  const size_t size_before = bytes.size();
  if (const auto line = take_line(bytes)) {
    if (state_ == State::kChunkSize) {
      begin_chunk(*line);
    } else if (state_ == State::kChunkEnd) {
      line->empty() ? void(state_ = State::kChunkSize) : fail("a chunk is longer than it says");
    } else if (line->empty()) {  // the trailer's end
      state_ = State::kComplete;
    }
  } else if (line_.size() > kMaxLineBytes) {
    fail("a line of the framing has no end");
  }
  return size_before - bytes.size();
}

std::optional<std::string_view> HttpResponseParser::take_line(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  line_ += bytes.substr(0, end);
  if (end == std::string_view::npos) {
    bytes = {};
    return std::nullopt;
  }
  bytes.remove_prefix(end + 1);
  if (line_.ends_with('\r')) line_.pop_back();
  taken_line_.swap(line_);
  line_.clear();
  return taken_line_;
}

size_t HttpResponseParser::take_head(std::string_view bytes) {
  // The end of the head may lie across two pieces.
  const size_t size_before = line_.size();
  line_ += bytes.substr(0, kMaxHeadBytes + 1 - std::min(size_before, kMaxHeadBytes));
  const size_t from = size_before < 3 ? 0 : size_before - 3;
  const size_t end = line_.find("\r\n\r\n", from);
  if (end == std::string::npos) {
    const size_t num_taken = line_.size() - size_before;
    if (line_.size() > kMaxHeadBytes) fail("the head of the response is too long");
    return num_taken;
  }
  const size_t num_taken = end + 4 - size_before;
  const std::string head = line_.substr(0, end);
  line_.clear();
  parse_head(head);
  return num_taken;
}

void HttpResponseParser::parse_head(std::string_view head) {
  content_length_.reset();
  is_chunked_ = false;
  bool is_first = true;
  while (!head.empty() && state_ != State::kFailed) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    is_first ? parse_status_line(line) : parse_header(line);
    is_first = false;
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  if (is_first) fail("the response begins with an empty line");
  if (state_ != State::kFailed) begin_body();
}

void HttpResponseParser::parse_status_line(std::string_view line) {
  const bool is_http1 = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  const int status = is_http1 ? parse_number<int>(line.substr(9, 3), 10).value_or(0) : 0;
  const bool ends_there = line.size() == 12 || (line.size() > 12 && line[12] == ' ');
  if (status < 100 || status > 599 || !ends_there) {
    return fail(fmt::format("'{}' is no status line of HTTP/1.1", line.substr(0, 40)));
  }
  keeps_alive_ = line[7] == '1';
  status_ = status;
}

void HttpResponseParser::parse_header(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return fail("a header has no colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (equals_ignoring_case(name, "content-length")) {
    const auto length = parse_number<uint64_t>(value, 10);
    const bool differs = content_length_ && length && *length != *content_length_;
    if (!length || *length > kMaxBodyBytes || differs) return fail("the content-length is invalid");
    content_length_ = length;
  } else if (equals_ignoring_case(name, "transfer-encoding")) {
    if (!equals_ignoring_case(value, "chunked")) return fail("the transfer-encoding is unknown");
    is_chunked_ = true;
  } else if (equals_ignoring_case(name, "connection")) {
    if (contains_ignoring_case(value, "close")) keeps_alive_ = false;
    if (contains_ignoring_case(value, "keep-alive")) keeps_alive_ = true;
  } else if (equals_ignoring_case(name, "content-type")) {
    is_event_stream_ = contains_ignoring_case(value, "text/event-stream");
  } else if (equals_ignoring_case(name, "retry-after")) {
    retry_after_ = std::string(value);
  }
}

void HttpResponseParser::begin_body() {
  if (status_ < 200) {  // the response itself follows
    is_event_stream_ = false;
    return;
  }
  has_head_ = true;
  if (status_ == 204 || status_ == 304) {
    state_ = State::kComplete;
  } else if (is_chunked_) {
    state_ = State::kChunkSize;
  } else if (content_length_) {
    num_left_ = *content_length_;
    state_ = num_left_ == 0 ? State::kComplete : State::kSizedBody;
  } else {
    keeps_alive_ = false;
    state_ = State::kBodyUntilClose;
  }
}

size_t HttpResponseParser::take_body(
    std::string_view bytes, FunctionRef<void(std::string_view)> on_body
) {
  if (state_ == State::kBodyUntilClose) {
    on_body(bytes);
    return bytes.size();
  }
  const size_t size = static_cast<size_t>(std::min<uint64_t>(num_left_, bytes.size()));
  num_left_ -= size;
  const bool is_chunk = state_ == State::kChunkData;
  // Before the call: whoever listens may ask whether the response is complete.
  if (num_left_ == 0) state_ = is_chunk ? State::kChunkEnd : State::kComplete;
  on_body(bytes.substr(0, size));
  return size;
}

void HttpResponseParser::begin_chunk(std::string_view line) {
  const auto size = parse_number<uint64_t>(trimmed(line.substr(0, line.find(';'))), 16);
  if (!size || *size > kMaxBodyBytes) return fail("the size of a chunk is no number");
  num_left_ = *size;
  state_ = num_left_ == 0 ? State::kTrailer : State::kChunkData;
}

bool HttpResponseParser::finish_at_close() {
  if (state_ == State::kBodyUntilClose) state_ = State::kComplete;
  return state_ == State::kComplete;
}

void HttpResponseParser::fail(std::string message) {
  error_ = std::move(message);
  keeps_alive_ = false;
  state_ = State::kFailed;
}

void HttpResponseParser::reset() {
  state_ = State::kHead;
  has_head_ = false;
  keeps_alive_ = true;
  is_chunked_ = false;
  is_event_stream_ = false;
  status_ = 0;
  content_length_.reset();
  num_left_ = 0;
  retry_after_.reset();
  line_.clear();
  error_.reset();
}

}  // namespace quire::client
