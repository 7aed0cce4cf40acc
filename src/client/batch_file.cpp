#include "client/batch_file.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json_writer.h"

namespace quire::client {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr const char* kUrls[] = {"/v1/chat/completions", "/v1/completions"};

bool is_known_url(std::string_view url) {
  for (const char* known : kUrls) {
    if (url == known) return true;
  }
  return false;
}

// The field's text; else what is wrong with it goes to `error`.
std::optional<std::string> required_text(object fields, const char* name, BatchError& error) {
  element value;
  std::string_view text;
  if (fields[name].get(value) != simdjson::SUCCESS) {
    error.code = "missing_required_parameter";
    error.message = fmt::format("The line has no {}.", name);
  } else if (value.get(text) != simdjson::SUCCESS || text.empty()) {
    error.code = "invalid_type";
    error.message = fmt::format("{} must be a text that is not empty.", name);
  } else {
    return std::string(text);
  }
  error.param = name;
  return std::nullopt;
}

BatchError wrong(BatchError error, const char* param, const char* code, std::string message) {
  error.param = param;
  error.code = code;
  error.message = std::move(message);
  return error;
}

}  // namespace

std::variant<BatchRequest, BatchError> parse_batch_line(std::string_view line) {
  BatchError error;
  simdjson::dom::parser parser;
  object fields;
  if (parser.parse(line.data(), line.size()).get(fields) != simdjson::SUCCESS) {
    return wrong(error, "", "invalid_json_line", "This line is no JSON object.");
  }
  error.custom_id = required_text(fields, "custom_id", error);
  if (!error.custom_id) return error;
  const auto method = required_text(fields, "method", error);
  if (!method) return error;
  if (*method != "POST") {
    return wrong(error, "method", "invalid_method", fmt::format("'{}' must be POST.", *method));
  }
  const auto url = required_text(fields, "url", error);
  if (!url) return error;
  if (!is_known_url(*url)) {
    return wrong(
        error,
        "url",
        "invalid_url",
        fmt::format("'{}' is not served. Use {} or {}.", *url, kUrls[0], kUrls[1])
    );
  }
  element body;
  if (fields["body"].get(body) != simdjson::SUCCESS) {
    return wrong(error, "body", "missing_required_parameter", "The line has no body.");
  }
  if (!body.is_object()) {
    return wrong(error, "body", "invalid_type", "body must be an object.");
  }
  return BatchRequest{*error.custom_id, *url, simdjson::minify(body)};
}

std::string to_json(const BatchResponse& response) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object()
      .field("id", std::string_view(response.id))
      .field("custom_id", std::string_view(response.custom_id))
      .key("response")
      .begin_object()
      .field("status_code", response.status_code)
      .field("request_id", std::string_view(response.request_id))
      .key("body")
      .raw(response.body.empty() ? "null" : response.body)
      .end_object()
      .key("error")
      .null()
      .end_object();
  return json;
}

std::string to_json(const BatchError& error, const std::string& id, int64_t line) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().field("id", std::string_view(id)).key("custom_id");
  error.custom_id ? writer.value(std::string_view(*error.custom_id)) : writer.null();
  writer.key("response").null().key("error").begin_object();
  writer.field("code", std::string_view(error.code));
  writer.field("message", std::string_view(error.message)).key("param");
  error.param.empty() ? writer.null() : writer.value(std::string_view(error.param));
  writer.field("line", line).end_object().end_object();
  return json;
}

std::optional<BatchRecord> parse_batch_record(std::string_view line) {
  simdjson::dom::parser parser;
  object fields;
  if (parser.parse(line.data(), line.size()).get(fields) != simdjson::SUCCESS) return std::nullopt;
  BatchRecord record;
  std::string_view custom_id;
  if (fields["custom_id"].get(custom_id) == simdjson::SUCCESS) record.custom_id = custom_id;
  int64_t number = 0;
  if (fields["error"]["line"].get(number) == simdjson::SUCCESS) record.error_line = number;
  if (fields["response"]["status_code"].get(number) == simdjson::SUCCESS) {
    record.status_code = static_cast<int>(number);
  }
  const bool is_record = record.error_line || (record.custom_id && record.status_code != 0);
  return is_record ? std::optional(record) : std::nullopt;
}

}  // namespace quire::client
