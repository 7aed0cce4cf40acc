#include "server/access_log.h"

#include "base/log.h"
#include "server/header_text.h"
#include "server/response_text.h"

namespace quire::server {

AccessLog::AccessLog(const ServerConfig& config) : is_on_(!config.disable_uvicorn_access_log) {
  const std::string& paths = config.disable_access_log_for_endpoints.value_or("");
  for (const std::string_view path : split_list(paths))
    silent_paths_.emplace(path);
}

void AccessLog::write(const Line& line) const {
  if (!is_on_ || silent_paths_.contains(line.path)) return;
  QUIRE_LOG_INFO(
      "{} - \"{} {} HTTP/1.{}\" {} {}",
      line.peer,
      line.method,
      line.target,
      line.is_http_1_0 ? 0 : 1,
      line.status,
      status_phrase(line.status)
  );
}

}  // namespace quire::server
