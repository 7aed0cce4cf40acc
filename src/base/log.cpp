#include "base/log.h"

#include <algorithm>
#include <cctype>

#include <spdlog/sinks/stdout_color_sinks.h>

#include "base/env.h"

namespace quire {

void init_logging() {
  if (spdlog::get("quire")) return;
  auto logger = spdlog::stderr_color_mt("quire");
  logger->set_pattern("%^%l%$ %m-%d %H:%M:%S [%s:%#] %v");
  std::string level = env::logging_level();
  std::transform(level.begin(), level.end(), level.begin(), ::tolower);
  if (level == "warning") level = "warn";
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(logger);
}

}  // namespace quire
