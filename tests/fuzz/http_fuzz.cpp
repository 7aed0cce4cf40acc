// Bytes of a client, as a connection reads them: one request after the other, in any pieces.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/request_gate.h"
#include "server/request_parser.h"
#include "server/response_text.h"

namespace {

using namespace quire::server;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr ParserLimits kLimits = {.max_head_bytes = 1024, .max_headers = 8, .max_body_bytes = 512};

struct Outcome {
  std::vector<std::string> bodies;
  std::vector<std::string> targets;
  int failed_status = 0;
};

std::vector<Route> routes() {
  const Handler handler = [](const HttpRequest&, const CallContext&) { return HttpResponse(); };
  return {{"POST", "/v1/completions", handler}, {"GET", "/v1/responses/{id}", handler}};
}

void admit(HttpRequest& request) {
  static const quire::ServerConfig config = {
      .root_path = "/root", .api_key = {"key"}, .enable_request_id_headers = true};
  static const RequestGate gate(config, routes());
  const RequestGate::Admission admission = gate.admit(request);
  require(admission.answer.has_value() == (admission.route == nullptr));
  Headers headers;
  gate.add_headers(request, headers);
  std::string out;
  append_response(out, admission.answer.value_or(HttpResponse()), headers, {});
  // No value of the request makes a header of its own.
  const std::string_view head = std::string_view(out).substr(0, out.find("\r\n\r\n"));
  require(head.find("\nX-Evil") == std::string_view::npos);
}

Outcome read_all(std::string_view bytes, size_t step) {
  Outcome outcome;
  RequestParser parser(kLimits);
  std::string waiting;
  while (outcome.failed_status == 0) {
    const size_t taken = parser.put(waiting);
    require(taken <= waiting.size());
    waiting.erase(0, taken);
    if (parser.has_failed()) {
      outcome.failed_status = parser.failed_status();
      require(outcome.failed_status >= 400 && !parser.failure().empty());
    } else if (parser.is_done()) {
      HttpRequest& request = parser.request();
      require(request.body.size() <= kLimits.max_body_bytes);
      require(request.headers.size() <= static_cast<size_t>(kLimits.max_headers));
      outcome.bodies.push_back(request.body);
      outcome.targets.push_back(parser.target());
      admit(request);
      if (waiting.empty() && bytes.empty()) break;
      std::destroy_at(&parser);
      std::construct_at(&parser, kLimits);
    } else {
      // It never makes a client's bytes pile up.
      require(waiting.size() <= 2 * kLimits.max_head_bytes + 4096 + step);
      if (bytes.empty()) break;
      waiting += bytes.substr(0, step);
      bytes.remove_prefix(std::min(step, bytes.size()));
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = read_all(bytes, std::max<size_t>(size, 1));
  for (const size_t step : {1, 7, 64}) {
    const Outcome pieces = read_all(bytes, step);
    // How the bytes come must not matter to what is served. A refusal may come later, or for
    // another reason, because a head is only looked at when all of it is there.
    require(pieces.bodies == whole.bodies && pieces.targets == whole.targets);
    require(whole.failed_status != 0 || pieces.failed_status == 0);
  }
  return 0;
}
