#include "base/start_thread.h"

#include <fmt/format.h>

#include "quire/error.h"

namespace quire {

void fail_to_start_thread(const std::system_error& error) {
  throw EnvironmentError(fmt::format(
      "A thread cannot be started: {}. Raise the limits on processes and memory (ulimit -u, ulimit "
      "-v, the container's limits), or use fewer threads.",
      error.code().message()
  ));
}

}  // namespace quire
