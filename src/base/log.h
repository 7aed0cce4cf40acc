#pragma once

#include <cstdint>

#include <spdlog/spdlog.h>

#include "quire/api.h"

namespace quire {

enum class LogFormat : uint8_t {
  kText,  // one line for each message, see single_line
  kJson,  // {"time":"2026-11-20T16:08:02.123Z","level":"INFO","file":"a.cpp","line":12,"message":"…"}
};

// Sets up the process's logger on stderr: "INFO 11-20 16:08:02 [file.cpp:12] text". The level comes
// from QUIRE_LOGGING_LEVEL, else VLLM_LOGGING_LEVEL, else INFO. Safe to call more than once.
QUIRE_API void init_logging();
void set_log_format(LogFormat format);  // of the process's logger, which is set up if need be

}  // namespace quire

#define QUIRE_LOG_DEBUG(...) SPDLOG_LOGGER_DEBUG(::spdlog::default_logger_raw(), __VA_ARGS__)
#define QUIRE_LOG_INFO(...) SPDLOG_LOGGER_INFO(::spdlog::default_logger_raw(), __VA_ARGS__)
#define QUIRE_LOG_WARN(...) SPDLOG_LOGGER_WARN(::spdlog::default_logger_raw(), __VA_ARGS__)
#define QUIRE_LOG_ERROR(...) SPDLOG_LOGGER_ERROR(::spdlog::default_logger_raw(), __VA_ARGS__)
