// Bodies of POST /v1/responses and /v1/messages. Whatever comes in is a request or an error that
// the client is told; what was read of it is JSON that the chat templates can take.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <simdjson.h>

#include "quire/error.h"
#include "server/anthropic/message_request.h"
#include "server/api_error.h"
#include "server/responses/response_request.h"

namespace {

void require_json(const std::string& json) {
  simdjson::dom::parser parser;
  if (parser.parse(json).error() != simdjson::SUCCESS) std::abort();
}

void read_response(const quire::server::RequestValue& body) {
  quire::server::UnknownFields unknown_fields;
  const auto request = quire::server::parse_response_request(body, {}, unknown_fields);
  require_json(request.call.messages_json);
  require_json("{" + request.request_members + "}");
  if (!request.call.tools_json.empty()) require_json(request.call.tools_json);
}

void read_message(const quire::server::RequestValue& body) {
  quire::server::UnknownFields unknown_fields;
  const auto request = quire::server::parse_messages_request(body, true, unknown_fields);
  require_json(request.prompt.messages_json);
  if (!request.prompt.tools_json.empty()) require_json(request.prompt.tools_json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto read : {read_response, read_message}) {
    try {
      const quire::server::JsonBody json(text, quire::server::BodyStyle::kPath);
      read(json.value());
    } catch (const quire::InvalidArgument&) {
    } catch (const quire::server::ApiError&) {
    }
  }
  return 0;
}
