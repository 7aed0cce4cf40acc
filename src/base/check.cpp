#include "base/check.h"

namespace quire {

void fail_check(
    const char* expression, const std::string& values, std::source_location where
) {
  throw InternalError(
      fmt::format("{}:{}: check failed: {} {}", where.file_name(), where.line(), expression, values)
  );
}

}  // namespace quire
