#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "base/function_ref.h"
#include "hub/hub_api.h"

namespace quire {

struct RetryPolicy {
  int max_retries = 5;  // tries in a row that bring no new byte
  std::chrono::milliseconds delay{500};  // before the first; doubles up to 30 s
};

// Calls `attempt` until it returns; only ConnectionError is tried again, unless the host is
// unknown. `attempt` returns true when it is done and false when it got further but not to the end.
void retry(const RetryPolicy& policy, FunctionRef<bool()> attempt);

// Downloads a file to `target`. What has arrived stands in target.incomplete, where the next call
// continues, in this process or another. The size and, when the etag is one, the SHA-256 of the
// whole file are checked before `target` appears. Throws ConnectionError when retries are used up,
// EnvironmentError when the disk is full or the content is not what the hub announced.
void download_file(
    HubApi& hub,
    const RemoteFile& file,
    const std::filesystem::path& target,
    const RetryPolicy& policy,
    FunctionRef<void(int64_t file_bytes_done)> on_progress
);

}  // namespace quire
