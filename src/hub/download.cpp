#include "hub/download.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "hub/sha256.h"

namespace quire {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::milliseconds kMaxDelay{30'000};

[[noreturn]] void throw_write_error(const fs::path& path, int error) {
  if (error == ENOSPC || error == EDQUOT) {
    throw EnvironmentError(fmt::format(
        "The disk is full: {} cannot grow. Free some space or set --download-dir (or HF_HUB_CACHE) "
        "to another disk; in the same folder the download continues where it stopped.",
        path.string()
    ));
  }
  throw EnvironmentError(fmt::format("cannot write {}: {}", path.string(), std::strerror(error)));
}

// The file that grows while its content arrives.
class IncompleteFile {
 public:
  explicit IncompleteFile(fs::path path) : path_(std::move(path)) {
    fs::create_directories(path_.parent_path());
    fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd_ < 0) throw_write_error(path_, errno);
    num_bytes_ = static_cast<int64_t>(fs::file_size(path_));
  }
  ~IncompleteFile() { close(fd_); }
  IncompleteFile(const IncompleteFile&) = delete;
  IncompleteFile& operator=(const IncompleteFile&) = delete;

  int64_t num_bytes() const { return num_bytes_; }
  const fs::path& path() const { return path_; }

  void append(std::string_view piece) {
    while (!piece.empty()) {
      const ssize_t written = write(fd_, piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_write_error(path_, errno);
      piece.remove_prefix(static_cast<size_t>(written));
      num_bytes_ += written;
    }
  }

  void clear() {
    if (ftruncate(fd_, 0) != 0) throw_write_error(path_, errno);
    num_bytes_ = 0;
  }

 private:
  fs::path path_;
  int fd_ = -1;
  int64_t num_bytes_ = 0;
};

void check_space(const IncompleteFile& incomplete, const RemoteFile& file) {
  if (!file.num_bytes) return;
  std::error_code error;
  const auto space = fs::space(incomplete.path(), error);
  const int64_t needed = *file.num_bytes - incomplete.num_bytes();
  if (error || needed <= static_cast<int64_t>(space.available)) return;
  throw_write_error(incomplete.path(), ENOSPC);
}

// "bytes 100-199/200" starts at `offset`.
bool continues_at(const HttpResponse& response, int64_t offset) {
  const auto range = response.header("content-range");
  return range && range->starts_with(fmt::format("bytes {}-", offset));
}

// One connection's worth. Throws what the sink must not throw through libcurl.
void receive(
    HubApi& hub,
    const RemoteFile& file,
    IncompleteFile& incomplete,
    FunctionRef<void(int64_t)> on_progress
) {
  const int64_t offset = incomplete.num_bytes();
  bool is_first = true;
  std::exception_ptr failure;
  const auto sink = [&](const HttpResponse& response, std::string_view piece) {
    try {
      // A server that ignores the range sends everything again.
      if (is_first && offset > 0 && !continues_at(response, offset)) incomplete.clear();
      is_first = false;
      incomplete.append(piece);
      on_progress(incomplete.num_bytes());
      return true;
    } catch (...) {
      failure = std::current_exception();
      return false;
    }
  };
  const HttpResponse response = hub.http().download(file.url, offset, sink);
  if (failure) std::rethrow_exception(failure);
  if (response.status == 416) {  // there is nothing after `offset`: what is here is of no use
    incomplete.clear();
    throw ConnectionError(fmt::format("{}: the server refuses to continue", file.url));
  }
  if (response.status >= 400) hub.fail(response, file.url);
}

bool is_sha256(const std::string& etag) {
  return etag.size() == 64 && etag.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Empty: the content is what the hub announced.
std::string damage_of(const IncompleteFile& incomplete, const RemoteFile& file) {
  if (file.num_bytes && incomplete.num_bytes() != *file.num_bytes) {
    return fmt::format("{} bytes instead of {}", incomplete.num_bytes(), *file.num_bytes);
  }
  if (!is_sha256(file.etag)) return "";
  const std::string digest = sha256_of_file(incomplete.path());
  return digest == file.etag ? "" : fmt::format("SHA-256 {} instead of {}", digest, file.etag);
}

void receive_all(
    HubApi& hub,
    const RemoteFile& file,
    IncompleteFile& incomplete,
    const RetryPolicy& policy,
    FunctionRef<void(int64_t)> on_progress
) {
  const auto is_complete = [&] {
    return file.num_bytes && incomplete.num_bytes() >= *file.num_bytes;
  };
  retry(policy, [&] {
    if (is_complete()) return true;
    const int64_t before = incomplete.num_bytes();
    try {
      receive(hub, file, incomplete, on_progress);
      return true;
    } catch (const ConnectionError& error) {
      if (incomplete.num_bytes() <= before) throw;
      QUIRE_LOG_WARN("{}; continuing at byte {}", error.what(), incomplete.num_bytes());
      return false;
    }
  });
}

}  // namespace

void retry(const RetryPolicy& policy, FunctionRef<bool()> attempt) {
  auto delay = policy.delay;
  for (int failures = 0;;) {
    try {
      if (attempt()) return;
      failures = 0;
      delay = policy.delay;
    } catch (const UnknownHostError&) {
      throw;
    } catch (const ConnectionError& error) {
      if (++failures > policy.max_retries) throw;
      QUIRE_LOG_WARN("{}; trying again in {} ms", error.what(), delay.count());
      std::this_thread::sleep_for(delay);
      delay = std::min(delay * 2, kMaxDelay);
    }
  }
}

void download_file(
    HubApi& hub,
    const RemoteFile& file,
    const fs::path& target,
    const RetryPolicy& policy,
    FunctionRef<void(int64_t)> on_progress
) {
  IncompleteFile incomplete(fs::path(target) += ".incomplete");
  const bool resumed = incomplete.num_bytes() > 0;
  check_space(incomplete, file);
  receive_all(hub, file, incomplete, policy, on_progress);
  std::string damage = damage_of(incomplete, file);
  if (!damage.empty() && resumed) {  // the part of another day may be of another file
    QUIRE_LOG_WARN("{}: {}; downloading it anew", file.name, damage);
    incomplete.clear();
    receive_all(hub, file, incomplete, policy, on_progress);
    damage = damage_of(incomplete, file);
  }
  if (!damage.empty()) {
    incomplete.clear();
    throw EnvironmentError(fmt::format(
        "{} arrived damaged: {}. It was removed; run again to download it anew.", file.url, damage
    ));
  }
  fs::rename(incomplete.path(), target);
}

}  // namespace quire
