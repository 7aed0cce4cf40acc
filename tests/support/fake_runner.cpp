#include "support/fake_runner.h"

#include <algorithm>

#include "base/check.h"

namespace quire::test {
namespace {

uint64_t extend_fingerprint(uint64_t fingerprint, int32_t token_id) {
  uint64_t x = fingerprint + 0x9e3779b97f4a7c15 * (static_cast<uint64_t>(token_id) + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t fingerprint_of(std::span<const int32_t> token_ids) {
  uint64_t fingerprint = 0;
  for (int32_t id : token_ids)
    fingerprint = extend_fingerprint(fingerprint, id);
  return fingerprint;
}

// What a slot of this group holds. Differs from group to group in the low bits.
uint64_t content(uint64_t fingerprint, size_t group) {
  return fingerprint ^ group;
}

int32_t sample(uint64_t fingerprint) {
  return static_cast<int32_t>(fingerprint % 1000);
}

}  // namespace

FakeRunner::FakeRunner(const KVCacheConfig& config)
    : block_size_(config.groups.front().spec.block_size),
      slots_(static_cast<size_t>(config.num_blocks) * block_size_),
      host_slots_(static_cast<size_t>(config.num_host_blocks) * block_size_) {
  for (const KVCacheGroupSpec& group : config.groups) {
    QUIRE_CHECK(group.spec.block_size == block_size_, "groups with blocks of different sizes");
    windows_.push_back(group.spec.sliding_window);
  }
}

std::vector<int32_t> FakeRunner::continuation(std::span<const int32_t> prompt, int num_tokens) {
  std::vector<int32_t> ids;
  uint64_t fingerprint = fingerprint_of(prompt);
  for (int i = 0; i < num_tokens; ++i) {
    ids.push_back(sample(fingerprint));
    fingerprint = extend_fingerprint(fingerprint, ids.back());
  }
  return ids;
}

void FakeRunner::forget(std::span<const uint64_t> ids) {
  for (uint64_t id : ids) {
    QUIRE_CHECK(requests_.erase(id) == 1, "request {} is freed, but not known", id);
  }
}

FakeRunner::State& FakeRunner::find(const SchedulerOutput& output, int req_idx) {
  const ScheduledRequest& scheduled = output.requests[req_idx];
  if (scheduled.new_request_idx) {
    const NewRequestData& data = output.new_requests.at(*scheduled.new_request_idx);
    QUIRE_CHECK(data.request_id == scheduled.request_id);
    QUIRE_CHECK(!requests_.contains(data.request_id), "request {} is not new", data.request_id);
    requests_[data.request_id] = {
        .token_ids = data.token_ids,
        .block_ids = std::vector<std::vector<int>>(num_groups()),
        .num_prompt_logprobs = data.sampling_params.prompt_logprobs ? data.num_prompt_tokens : 0,
    };
  }
  const auto found = requests_.find(scheduled.request_id);
  QUIRE_CHECK(found != requests_.end(), "request {} is not known", scheduled.request_id);
  return found->second;
}

void FakeRunner::append_blocks(const SchedulerOutput& output, int req_idx, State& state) {
  for (size_t group = 0; group < num_groups(); ++group) {
    const std::span<const int> ids = output.new_blocks(req_idx, static_cast<int>(group));
    state.block_ids[group].insert(state.block_ids[group].end(), ids.begin(), ids.end());
  }
}

// As ScheduledRequest has it: behind all others, of a request that samples in this step.
void FakeRunner::check_fork(const SchedulerOutput& output, int req_idx) const {
  const ScheduledRequest& fork = output.requests[req_idx];
  const ScheduledRequest& parent = output.requests.at(*fork.fork_of);
  const bool is_last = req_idx + 1 == output.num_reqs() || output.requests[req_idx + 1].fork_of;
  QUIRE_CHECK(is_last && fork.num_scheduled_tokens == 0 && !parent.fork_of);
  QUIRE_CHECK(
      requests_.at(fork.request_id).token_ids == requests_.at(parent.request_id).token_ids,
      "request {} is no fork of {}",
      fork.request_id,
      parent.request_id
  );
}

void FakeRunner::copy_blocks(const SchedulerOutput& output) {
  const auto slots_of = [&](BlockSpace space, int block_id) {
    std::vector<uint64_t>& slots = space == BlockSpace::kDevice ? slots_ : host_slots_;
    return std::span(slots).subspan(static_cast<size_t>(block_id) * block_size_, block_size_);
  };
  QUIRE_CHECK(output.block_copies.empty() || num_groups() == 1, "copies in several groups");
  for (const BlockCopy& copy : output.block_copies) {
    std::ranges::copy(
        slots_of(copy.source_space, copy.source), slots_of(copy.target_space, copy.target).begin()
    );
  }
}

void FakeRunner::replace_blocks(const SchedulerOutput& output) {
  for (const BlockReplacement& replacement : output.block_replacements) {
    const ScheduledRequest& scheduled = output.requests.at(replacement.req_idx);
    QUIRE_CHECK(!scheduled.new_request_idx, "request {} is new", scheduled.request_id);
    const auto found = requests_.find(scheduled.request_id);
    QUIRE_CHECK(found != requests_.end(), "request {} is not known", scheduled.request_id);
    found->second.block_ids.at(replacement.group).at(replacement.table_idx) = replacement.block_id;
  }
}

size_t FakeRunner::slot_of(const State& state, size_t group, int position) const {
  const auto block_id = static_cast<size_t>(state.block_ids[group].at(position / block_size_));
  return block_id * block_size_ + position % block_size_;
}

void FakeRunner::write(
    const ScheduledRequest& scheduled, std::span<const int32_t> token_ids, const State& state
) {
  const int start = scheduled.num_computed_tokens;
  uint64_t fingerprint = fingerprint_of(token_ids.first(start));
  for (int p = start; p < start + scheduled.num_scheduled_tokens; ++p) {
    fingerprint = extend_fingerprint(fingerprint, token_ids[p]);
    for (size_t group = 0; group < num_groups(); ++group) {
      slots_.at(slot_of(state, group, p)) = content(fingerprint, group);
    }
  }
}

void FakeRunner::read_back(
    int first_query, int num_tokens, std::span<const int32_t> token_ids, const State& state
) const {
  uint64_t fingerprint = 0;
  for (int p = 0; p < num_tokens; ++p) {
    fingerprint = extend_fingerprint(fingerprint, token_ids[p]);
    for (size_t group = 0; group < num_groups(); ++group) {
      if (windows_[group] && p <= first_query - *windows_[group]) continue;
      const int block_id = state.block_ids[group][p / block_size_];
      QUIRE_CHECK(block_id != 0, "position {} lies in the null block", p);
      QUIRE_CHECK(
          slots_.at(slot_of(state, group, p)) == content(fingerprint, group),
          "block {} does not hold position {} of {}",
          block_id,
          p,
          num_tokens
      );
    }
  }
}

void FakeRunner::add_prompt_logprobs(
    const SchedulerOutput& output, int req_idx, const State& state, ModelRunnerOutput& result
) {
  const ScheduledRequest& scheduled = output.requests[req_idx];
  const int first = scheduled.num_computed_tokens + 1;
  const int last = std::min(first + scheduled.num_scheduled_tokens, state.num_prompt_logprobs);
  if (first >= last) return;
  RequestLogprobs& logprobs = result.prompt_logprobs.emplace_back();
  logprobs.req_idx = req_idx;
  for (int p = first; p < last; ++p) {
    const auto logprob = static_cast<float>(-p);
    logprobs.positions.push_back({.token_ids = {state.token_ids[p]}, .logprobs = {logprob}});
  }
}

// As in a layer, all requests write before any reads.
std::vector<std::vector<int32_t>> FakeRunner::write_all(const SchedulerOutput& output) {
  std::vector<std::vector<int32_t>> token_ids;
  auto next_draft = output.draft_token_ids.begin();
  int num_tokens = 0;
  for (int r = 0; r < output.num_reqs(); ++r) {
    const ScheduledRequest& scheduled = output.requests[r];
    State& state = find(output, r);
    append_blocks(output, r, state);
    std::vector<int32_t>& ids = token_ids.emplace_back(state.token_ids);
    ids.insert(ids.end(), next_draft, next_draft + scheduled.num_draft_tokens);
    next_draft += scheduled.num_draft_tokens;
    const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
    const int num_known = static_cast<int>(ids.size());
    QUIRE_CHECK(scheduled.num_scheduled_tokens >= (scheduled.fork_of ? 0 : 1));
    if (scheduled.fork_of) check_fork(output, r);
    QUIRE_CHECK(end <= num_known, "token {} of {}", end, num_known);
    QUIRE_CHECK(scheduled.num_draft_tokens == 0 || end == num_known, "drafts are left over");
    write(scheduled, ids, state);
    num_tokens += scheduled.num_scheduled_tokens;
  }
  QUIRE_CHECK(num_tokens == output.total_num_scheduled_tokens, "{} tokens", num_tokens);
  QUIRE_CHECK(next_draft == output.draft_token_ids.end(), "drafts without a request");
  return token_ids;
}

ModelRunnerOutput FakeRunner::execute(const SchedulerOutput& output) {
  forget(output.finished_request_ids);
  forget(output.preempted_request_ids);
  copy_blocks(output);
  replace_blocks(output);
  const std::vector<std::vector<int32_t>> token_ids = write_all(output);

  ModelRunnerOutput result;
  result.sampled_starts.push_back(0);
  for (int r = 0; r < output.num_reqs(); ++r) {
    const ScheduledRequest& scheduled = output.requests[r];
    State& state = requests_.at(scheduled.request_id);
    const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
    read_back(scheduled.num_computed_tokens, end, token_ids[r], state);
    add_prompt_logprobs(output, r, state, result);
    // Drafts are accepted as long as they are what would have been sampled.
    for (size_t known = state.token_ids.size(); known <= static_cast<size_t>(end); ++known) {
      const auto prefix = std::span<const int32_t>(token_ids[r]).first(known);
      const int32_t token_id = sample(fingerprint_of(prefix));
      result.sampled_token_ids.push_back(token_id);
      state.token_ids.push_back(token_id);
      if (known == token_ids[r].size() || token_ids[r][known] != token_id) break;
    }
    result.sampled_starts.push_back(static_cast<int>(result.sampled_token_ids.size()));
  }
  return result;
}

}  // namespace quire::test
