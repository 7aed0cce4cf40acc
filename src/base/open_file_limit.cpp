#include "base/open_file_limit.h"

#include <cerrno>
#include <cstring>

#include <sys/resource.h>

#include "base/log.h"

namespace quire {

int64_t raise_open_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (before == limit.rlim_max || setrlimit(RLIMIT_NOFILE, &limit) == 0)
    return static_cast<int64_t>(limit.rlim_max);
  QUIRE_LOG_WARN("The limit of open files cannot be raised: {}.", std::strerror(errno));
  return static_cast<int64_t>(before);
}

}  // namespace quire
