#include "hub/file_lock.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "quire/error.h"

namespace quire {

FileLock::FileLock(const std::filesystem::path& path) {
  std::filesystem::create_directories(path.parent_path());
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    throw EnvironmentError(fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  }
  if (flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  QUIRE_LOG_INFO("Waiting for another process that holds {}", path.string());
  while (flock(fd_, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    close(fd_);
    throw EnvironmentError(fmt::format("cannot lock {}: {}", path.string(), std::strerror(error)));
  }
}

FileLock::~FileLock() {
  close(fd_);
}

}  // namespace quire
