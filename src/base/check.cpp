#include "base/check.h"

namespace quire {

void fail_check(const char* expression, const std::string& values, const char* file, int line) {
  throw InternalError(fmt::format("{}:{}: check failed: {} {}", file, line, expression, values));
}

}  // namespace quire
