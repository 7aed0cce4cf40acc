#include "quire/server_config.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr int kMaxPort = 65535;
constexpr int kMaxThreads = 256;
constexpr double kMaxTimeout = 7 * 24 * 3600.0;

void check_range(const char* field, double value, double min, double max) {
  if (value >= min && value <= max) return;  // NaN is outside
  throw InvalidArgument(
      field, fmt::format("{} must be between {} and {}, got {}.", field, min, max, value)
  );
}

void check_choice(
    const char* field, std::string_view value, std::initializer_list<std::string_view> choices
) {
  if (std::ranges::find(choices, value) != choices.end()) return;
  throw InvalidArgument(
      field,
      fmt::format("{}='{}' is not known. Use one of: {}.", field, value, fmt::join(choices, ", "))
  );
}

void require(bool condition, const char* field, const char* sentence) {
  if (!condition) throw InvalidArgument(field, sentence);
}

void check_listening(const ServerConfig& c) {
  check_range("port", c.port, 0, kMaxPort);
  check_range("api_server_count", c.api_server_count, 1, kMaxThreads);
  require(!c.uds || !c.uds->empty(), "uds", "It is the path of a socket.");
  require(!(c.uds && c.host), "uds", "Give either --uds or --host.");
  require(
      !c.root_path || c.root_path->empty() || c.root_path->starts_with('/'),
      "root_path",
      "It begins with a slash."
  );
  check_range("ssl_cert_reqs", c.ssl_cert_reqs, 0, 2);
  const bool has_tls = c.ssl_certfile.has_value();  // whose file may hold the key
  require(has_tls || !c.ssl_keyfile, "ssl_certfile", "A key needs its --ssl-certfile.");
  require(has_tls || !c.ssl_ca_certs, "ssl_ca_certs", "It needs --ssl-certfile.");
  require(has_tls || !c.ssl_ciphers, "ssl_ciphers", "It needs --ssl-certfile.");
  require(
      c.ssl_cert_reqs == 0 || c.ssl_ca_certs,
      "ssl_cert_reqs",
      "Client certificates are checked against --ssl-ca-certs: give it."
  );
}

void check_limits(const ServerConfig& c) {
  constexpr double kMaxBody = double{1 << 30};
  check_range("max_body_size", static_cast<double>(c.max_body_size), 0, kMaxBody);
  check_range("h11_max_incomplete_event_size", c.h11_max_incomplete_event_size, 1024, 1 << 26);
  check_range("h11_max_header_count", c.h11_max_header_count, 1, 65536);
  constexpr double kMinTimeout = 0.001;
  check_range("timeout_header", c.timeout_header, kMinTimeout, kMaxTimeout);
  check_range("timeout_body", c.timeout_body, kMinTimeout, kMaxTimeout);
  check_range("timeout_keep_alive", c.timeout_keep_alive, kMinTimeout, kMaxTimeout);
  check_range("timeout_write", c.timeout_write, kMinTimeout, kMaxTimeout);
  check_range("shutdown_timeout", c.shutdown_timeout, 0, kMaxTimeout);
  check_range("max_queue_size", c.max_queue_size, 0, 1 << 30);
  require(c.max_pending_tokens >= 0, "max_pending_tokens", "It is 0 (no limit) or more.");
  check_range("watchdog_timeout", c.watchdog_timeout, 0, kMaxTimeout);
  if (!c.watchdog_action) return;
  check_choice("watchdog_action", *c.watchdog_action, {"abort-requests", "exit"});
  require(c.watchdog_timeout > 0, "watchdog_action", "It needs a --watchdog-timeout above 0.");
}

}  // namespace

void ServerConfig::validate() const {
  check_listening(*this);
  require(std::ranges::find(api_key, "") == api_key.end(), "api_key", "A key is not empty.");
  check_limits(*this);
  check_choice(
      "chat_template_content_format", chat_template_content_format, {"auto", "string", "openai"}
  );
  require(
      std::ranges::find(served_model_name, "") == served_model_name.end(),
      "served_model_name",
      "A name is not empty."
  );
  require(
      !enable_auto_tool_choice || tool_call_parser,
      "enable_auto_tool_choice",
      "It needs --tool-call-parser, which says how the model writes calls."
  );
  check_choice("log_format", log_format, {"text", "json"});
  require(
      !enable_log_outputs || enable_log_requests,
      "enable_log_outputs",
      "It needs --enable-log-requests."
  );
  require(!max_log_len || *max_log_len >= 0, "max_log_len", "It is 0 or more.");
}

}  // namespace quire
