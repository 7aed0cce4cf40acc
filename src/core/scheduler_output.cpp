#include "core/scheduler_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace quire {

void SchedulerOutput::clear() {
  requests.clear();
  new_requests.clear();
  new_block_ids.clear();
  new_block_starts.clear();
  draft_token_ids.clear();
  finished_request_ids.clear();
  preempted_request_ids.clear();
  block_copies.clear();
  block_replacements.clear();
  num_common_prefix_blocks.clear();
  total_num_scheduled_tokens = 0;
}

std::string SchedulerOutput::to_string() const {
  std::string text = fmt::format(
      "{} tokens of {} requests, finished {}, preempted {}, common prefix blocks {}\n",
      total_num_scheduled_tokens,
      num_reqs(),
      finished_request_ids,
      preempted_request_ids,
      num_common_prefix_blocks
  );
  for (int r = 0; r < num_reqs(); ++r) {
    const ScheduledRequest& request = requests[r];
    text += fmt::format(
        "  request {}{}: tokens [{}, {}), {} of them drafts, new blocks",
        request.request_id,
        request.new_request_idx ? " (new)" : "",
        request.num_computed_tokens,
        request.num_computed_tokens + request.num_scheduled_tokens,
        request.num_draft_tokens
    );
    for (int group = 0; group < num_groups; ++group)
      text += fmt::format(" {}", new_blocks(r, group));
    if (request.fork_of) text += fmt::format(", fork of {}", requests[*request.fork_of].request_id);
    text += '\n';
  }
  for (const BlockReplacement& replacement : block_replacements) {
    text += fmt::format(
        "  request {}: block {} at place {} of its table\n",
        requests[replacement.req_idx].request_id,
        replacement.block_id,
        replacement.table_idx
    );
  }
  for (const BlockCopy& copy : block_copies) {
    const auto name = [](BlockSpace space) {
      return space == BlockSpace::kDevice ? "device" : "host";
    };
    text += fmt::format(
        "  copy {} block {} to {} block {}\n",
        name(copy.source_space),
        copy.source,
        name(copy.target_space),
        copy.target
    );
  }
  return text;
}

void ModelRunnerOutput::clear() {
  sampled_token_ids.clear();
  sampled_starts.clear();
  logprobs.clear();
  prompt_logprobs.clear();
  failures.clear();
}

}  // namespace quire
