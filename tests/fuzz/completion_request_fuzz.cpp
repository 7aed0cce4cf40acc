#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <spdlog/spdlog.h>

#include "quire/error.h"
#include "server/api_error.h"
#include "server/openai/completion_request.h"

// A body ends in at least one prompt and params that pass validation, or in an error of the
// client's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
  if (!quiet) std::abort();
  quire::server::UnknownFields unknown_fields;
  try {
    const std::string body(reinterpret_cast<const char*>(data), size);
    const auto request = quire::server::parse_completion_request(body, {}, unknown_fields);
    if (request.prompts.empty()) std::abort();
    if (request.logprobs && *request.logprobs < 0) std::abort();
    auto params = request.common.params;
    params.validate();
    if (params != request.common.params) std::abort();
  } catch (const quire::InvalidArgument&) {
  } catch (const quire::server::ApiError& error) {
    if (error.info().status != 400) std::abort();
  }
  return 0;
}
