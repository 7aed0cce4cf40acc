#include "base/log.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "base/env.h"

namespace quire {
namespace {

// The level as vLLM prints it: INFO, WARNING.
class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&, spdlog::memory_buf_t& out)
      override {
    const auto name = spdlog::level::to_string_view(msg.level);
    std::transform(name.begin(), name.end(), std::back_inserter(out), ::toupper);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

}  // namespace

void init_logging() {
  if (spdlog::get("quire")) return;
  auto logger = spdlog::stderr_color_mt("quire");
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<LevelFlag>('*').set_pattern("%^%*%$ %m-%d %H:%M:%S [%s:%#] %v");
  logger->set_formatter(std::move(formatter));
  std::string level = env::logging_level();
  std::transform(level.begin(), level.end(), level.begin(), ::tolower);
  if (level == "warning") level = "warn";
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(logger);
}

}  // namespace quire
