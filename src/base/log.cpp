#include "base/log.h"

#include <cctype>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "base/env.h"
#include "base/json_writer.h"
#include "base/single_line.h"

namespace quire {
namespace {

// The level as vLLM prints it: INFO, WARNING.
void append_level(spdlog::level::level_enum level, spdlog::memory_buf_t& out) {
  for (const char c : spdlog::level::to_string_view(level)) {
    out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
}

class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&, spdlog::memory_buf_t& out)
      override {
    append_level(msg.level, out);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

// What is logged may hold text of clients and models, which must not look like lines of its own.
class MessageFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&, spdlog::memory_buf_t& out)
      override {
    const std::string line = single_line({msg.payload.data(), msg.payload.size()});
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<MessageFlag>();
  }
};

std::unique_ptr<spdlog::formatter> make_text_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<LevelFlag>('*').add_flag<MessageFlag>('~');
  formatter->set_pattern("%^%*%$ %m-%d %H:%M:%S [%s:%#] %~");
  return formatter;
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& out) override {
    using namespace std::chrono;
    const auto millis = duration_cast<milliseconds>(msg.time.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char time[sizeof "2026-11-20T16:08:02"];
    std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
    spdlog::memory_buf_t level;
    append_level(msg.level, level);
    const char* path = msg.source.filename == nullptr ? "" : msg.source.filename;
    const char* slash = std::strrchr(path, '/');
    std::string line;
    JsonWriter(line, JsonSpacing::kCompact)
        .begin_object()
        .field("time", fmt::format("{}.{:03}Z", time, millis % 1000))
        .field("level", std::string_view(level.data(), level.size()))
        .field("file", slash == nullptr ? path : slash + 1)
        .field("line", msg.source.line)
        .field("message", std::string_view(msg.payload.data(), msg.payload.size()))
        .end_object();
    line += '\n';
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

}  // namespace

void set_log_format(LogFormat format) {
  init_logging();
  spdlog::get("quire")->set_formatter(
      format == LogFormat::kJson ? std::make_unique<JsonFormatter>() : make_text_formatter()
  );
}

void init_logging() {
  if (spdlog::get("quire")) return;
  const std::string level = env::logging_level();
  auto logger = spdlog::stderr_color_mt("quire");
  logger->set_formatter(make_text_formatter());
  logger->set_level(
      level == "DEBUG"     ? spdlog::level::debug
      : level == "INFO"    ? spdlog::level::info
      : level == "WARNING" ? spdlog::level::warn
                           : spdlog::level::err
  );
  spdlog::set_default_logger(logger);
}

}  // namespace quire
