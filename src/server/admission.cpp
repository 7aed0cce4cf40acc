#include "server/admission.h"

#include <fmt/format.h>

namespace quire::server {

Admission::Admission(const ServerConfig& config, int max_num_seqs)
    : max_queue_size_(config.max_queue_size),
      max_pending_tokens_(config.max_pending_tokens),
      max_num_seqs_(max_num_seqs) {}

std::optional<std::string> Admission::refusal(const EngineStats& stats) const {
  // The scheduler's count is as of its last step; a burst since then shows in the second one.
  const bool is_queue_full =
      max_queue_size_ > 0 && (stats.num_waiting_reqs >= max_queue_size_ ||
                              stats.num_unfinished_reqs >= max_num_seqs_ + max_queue_size_);
  if (is_queue_full) {
    return fmt::format(
        "The server is busy: {} requests wait already (--max-queue-size). Try again later.",
        max_queue_size_
    );
  }
  if (max_pending_tokens_ > 0 && stats.num_pending_prompt_tokens >= max_pending_tokens_) {
    return fmt::format(
        "The server is busy: prompts of {} tokens wait already (--max-pending-tokens {}). Try "
        "again later.",
        stats.num_pending_prompt_tokens,
        max_pending_tokens_
    );
  }
  return std::nullopt;
}

}  // namespace quire::server
