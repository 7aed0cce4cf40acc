#include "server/request_log.h"

#include <algorithm>

#include "base/log.h"
#include "base/utf8.h"

namespace quire::server {
namespace {

// The first characters, and no broken one.
std::string_view shorten(const ServerConfig& config, std::string_view text) {
  if (!config.max_log_len) return text;
  size_t num_chars = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_start = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (is_start && num_chars++ == static_cast<size_t>(std::max(*config.max_log_len, 0)))
      return text.substr(0, i);
  }
  return text;
}

}  // namespace

void log_request(const ServerConfig& config, const HttpRequest& request) {
  QUIRE_LOG_INFO(
      "Received request {}: {} {} {}",
      request.request_id,
      request.method,
      request.path,
      shorten(config, request.body)
  );
}

void OutputLog::add(int stream, const RequestOutput& output) {
  for (const CompletionOutput& part : output.outputs) {
    Completion& completion = completions_[{stream, part.index}];
    completion.text += part.text;
    completion.num_tokens += part.token_ids.size();
    if (!part.finish_reason) continue;
    QUIRE_LOG_INFO(
        "Generated response {} (completion {}, {} tokens, finish_reason {}): {}",
        request_id_,
        part.index,
        completion.num_tokens,
        finish_reason_name(*part.finish_reason),
        shorten(config_, completion.text)
    );
  }
}

}  // namespace quire::server
