#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

// The lines of OpenAI's batch files.
namespace quire::client {

// {"custom_id", "method": "POST", "url", "body": {…}}
struct BatchRequest {
  std::string custom_id;
  std::string url;  // /v1/chat/completions or /v1/completions
  std::string body;  // a JSON object
};

// A line that is no request.
struct BatchError {
  std::optional<std::string> custom_id;  // if it has one
  std::string code;  // invalid_json_line, missing_required_parameter, invalid_method …
  std::string message;
  std::string param;  // the field; empty: the line itself
};

std::variant<BatchRequest, BatchError> parse_batch_line(std::string_view line);

// What was answered.
struct BatchResponse {
  std::string id;  // of this record
  std::string custom_id;
  int status_code = 200;
  std::string request_id;
  std::string body;  // JSON
};
std::string to_json(const BatchResponse& response);
// `line`: the number of the line of the input, from 1 on.
std::string to_json(const BatchError& error, const std::string& id, int64_t line);

// What a line of an output file stands for; nullopt: it is no such line.
struct BatchRecord {
  std::optional<std::string> custom_id;
  std::optional<int64_t> error_line;  // of the input, when it was no request
  int status_code = 0;  // 0: not even tried
};
std::optional<BatchRecord> parse_batch_record(std::string_view line);

}  // namespace quire::client
