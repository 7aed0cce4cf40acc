#pragma once

#include <optional>
#include <string>

#include "quire/async_engine.h"
#include "quire/server_config.h"

namespace quire::server {

// Turns requests away while too many wait: --max-queue-size, --max-pending-tokens.
class Admission {
 public:
  Admission(const ServerConfig& config, int max_num_seqs);

  bool is_limited() const { return max_queue_size_ > 0 || max_pending_tokens_ > 0; }
  // Why a further request has to come again later; nullopt: it may come now.
  std::optional<std::string> refusal(const EngineStats& stats) const;

 private:
  int max_queue_size_;  // 0: no limit
  int64_t max_pending_tokens_;  // likewise
  int max_num_seqs_;
};

}  // namespace quire::server
