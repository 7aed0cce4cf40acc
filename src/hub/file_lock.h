#pragma once

#include <filesystem>

namespace quire {

// An exclusive lock between processes (flock), as huggingface_hub's file locks are. Waits until it
// is free, with a line in the log; released by the destructor.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

}  // namespace quire
