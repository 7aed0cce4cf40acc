#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <simdjson.h>
#include <spdlog/spdlog.h>

#include "quire/error.h"
#include "server/api_error.h"
#include "server/openai/chat_request.h"

// A body ends in a conversation whose parts are JSON again, or in an error of the client's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
  if (!quiet) std::abort();
  quire::server::UnknownFields unknown_fields;
  try {
    const std::string body(reinterpret_cast<const char*>(data), size);
    const auto request = quire::server::parse_chat_request(body, {}, unknown_fields);
    const auto call = quire::server::make_chat_call(request, "chatcmpl-1");
    for (const std::string* json :
         {&call.messages_json,
          &call.tools_json,
          &call.documents_json,
          &call.chat_template_kwargs_json}) {
      simdjson::dom::parser parser;
      if (!json->empty() && parser.parse(*json).error() != simdjson::SUCCESS) std::abort();
    }
    if (call.may_call_tools && call.tools_json.empty()) std::abort();
    auto params = call.params;
    params.validate();
    if (params != call.params) std::abort();
  } catch (const quire::InvalidArgument&) {
  } catch (const quire::server::ApiError& error) {
    if (error.info().status != 400) std::abort();
  }
  return 0;
}
