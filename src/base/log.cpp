#include "base/log.h"

#include <cctype>
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
    for (const char c : name) {
      out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

}  // namespace

void init_logging() {
  if (spdlog::get("quire")) return;
  const std::string level = env::logging_level();
  auto logger = spdlog::stderr_color_mt("quire");
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<LevelFlag>('*').set_pattern("%^%*%$ %m-%d %H:%M:%S [%s:%#] %v");
  logger->set_formatter(std::move(formatter));
  logger->set_level(
      level == "DEBUG"     ? spdlog::level::debug
      : level == "INFO"    ? spdlog::level::info
      : level == "WARNING" ? spdlog::level::warn
                           : spdlog::level::err
  );
  spdlog::set_default_logger(logger);
}

}  // namespace quire
