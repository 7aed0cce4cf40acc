#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <spdlog/spdlog.h>

#include "engine/chat_messages.h"
#include "quire/error.h"
#include "quire/request_json.h"

// A line of an input file ends in a request that passes validation or in InvalidArgument.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
  if (!quiet) std::abort();
  try {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    auto request = quire::parse_request_json(line, {});
    const auto params = request.params;
    request.params.validate();
    if (request.params != params) std::abort();
    if (request.messages_json.empty()) return 0;
    quire::messages_for_template(request.messages_json, quire::ContentFormat::kString);
    quire::messages_for_template(request.messages_json, quire::ContentFormat::kOpenAi);
    quire::final_message_text(request.messages_json);
  } catch (const quire::InvalidArgument&) {
  }
  return 0;
}
