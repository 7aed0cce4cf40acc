#pragma once

#include <string>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {

[[noreturn]] void fail_check(
    const char* expression, const std::string& values, const char* file, int line
);

}  // namespace quire

// For bugs only: throws InternalError with the expression, the place and the formatted values.
#define QUIRE_CHECK(condition, ...)                                                       \
  do {                                                                                    \
    if (!(condition)) [[unlikely]] {                                                      \
      ::quire::fail_check(#condition, ::fmt::format("" __VA_ARGS__), __FILE__, __LINE__); \
    }                                                                                     \
  } while (false)
