#pragma once

#include <spdlog/spdlog.h>

namespace quire {

// Sets up the process's logger on stderr: "INFO 11-20 16:08:02 [file.cpp:12] text". The level comes
// from QUIRE_LOGGING_LEVEL, else VLLM_LOGGING_LEVEL, else INFO. Safe to call more than once.
void init_logging();

}  // namespace quire

#define QUIRE_LOG_DEBUG(...) SPDLOG_LOGGER_DEBUG(::spdlog::default_logger_raw(), __VA_ARGS__)
#define QUIRE_LOG_INFO(...) SPDLOG_LOGGER_INFO(::spdlog::default_logger_raw(), __VA_ARGS__)
#define QUIRE_LOG_WARN(...) SPDLOG_LOGGER_WARN(::spdlog::default_logger_raw(), __VA_ARGS__)
#define QUIRE_LOG_ERROR(...) SPDLOG_LOGGER_ERROR(::spdlog::default_logger_raw(), __VA_ARGS__)
