#include "support/fake_runner.h"

#include <algorithm>

#include <gtest/gtest.h>

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

int32_t sample(uint64_t fingerprint) {
  return static_cast<int32_t>(fingerprint % 1000);
}

}  // namespace

FakeRunner::FakeRunner(const KVCacheConfig& config)
    : block_size_(config.groups.front().spec.block_size),
      slots_(
          config.groups.size(),
          std::vector<uint64_t>(static_cast<size_t>(config.num_blocks) * block_size_)
      ) {}

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
    EXPECT_EQ(requests_.erase(id), 1u)
        << "request " << id << " is freed, but the runner has it not";
  }
}

FakeRunner::State& FakeRunner::find(const SchedulerOutput& output, int req_idx) {
  const ScheduledRequest& scheduled = output.requests[req_idx];
  if (scheduled.new_request_idx) {
    const NewRequestData& data = output.new_requests.at(*scheduled.new_request_idx);
    EXPECT_EQ(data.request_id, scheduled.request_id);
    EXPECT_FALSE(requests_.contains(data.request_id)) << "request " << data.request_id << " again";
    requests_[data.request_id] = {data.token_ids, std::vector<std::vector<int>>(slots_.size())};
  }
  EXPECT_TRUE(requests_.contains(scheduled.request_id)) << "unknown " << scheduled.request_id;
  return requests_[scheduled.request_id];
}

void FakeRunner::append_blocks(const SchedulerOutput& output, int req_idx, State& state) {
  for (size_t group = 0; group < slots_.size(); ++group) {
    const std::span<const int> ids = output.new_blocks(req_idx, static_cast<int>(group));
    state.block_ids[group].insert(state.block_ids[group].end(), ids.begin(), ids.end());
  }
}

void FakeRunner::write(
    const ScheduledRequest& scheduled, std::span<const int32_t> token_ids, const State& state
) {
  const int start = scheduled.num_computed_tokens;
  uint64_t fingerprint = fingerprint_of(token_ids.first(start));
  for (int p = start; p < start + scheduled.num_scheduled_tokens; ++p) {
    fingerprint = extend_fingerprint(fingerprint, token_ids[p]);
    for (size_t group = 0; group < slots_.size(); ++group) {
      slots_[group][state.block_ids[group].at(p / block_size_) * block_size_ + p % block_size_] =
          fingerprint;
    }
  }
}

void FakeRunner::read_back(int num_tokens, std::span<const int32_t> token_ids, const State& state)
    const {
  uint64_t fingerprint = 0;
  for (int p = 0; p < num_tokens; ++p) {
    fingerprint = extend_fingerprint(fingerprint, token_ids[p]);
    for (size_t group = 0; group < slots_.size(); ++group) {
      const int block_id = state.block_ids[group][p / block_size_];
      ASSERT_NE(block_id, 0) << "position " << p << " lies in the null block";
      ASSERT_EQ(slots_[group][block_id * block_size_ + p % block_size_], fingerprint)
          << "block " << block_id << " does not hold position " << p << " of " << num_tokens;
    }
  }
}

ModelRunnerOutput FakeRunner::execute(const SchedulerOutput& output) {
  forget(output.finished_request_ids);
  forget(output.preempted_request_ids);

  // As in a layer, all requests write before any reads.
  std::vector<std::vector<int32_t>> token_ids(output.requests.size());
  size_t next_draft = 0;
  int num_tokens = 0;
  for (int r = 0; r < output.num_reqs(); ++r) {
    const ScheduledRequest& scheduled = output.requests[r];
    State& state = find(output, r);
    append_blocks(output, r, state);
    token_ids[r] = state.token_ids;
    for (int i = 0; i < scheduled.num_draft_tokens; ++i) {
      token_ids[r].push_back(output.draft_token_ids.at(next_draft++));
    }
    const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
    EXPECT_GE(scheduled.num_scheduled_tokens, 1);
    EXPECT_LE(end, static_cast<int>(token_ids[r].size()));
    if (scheduled.num_draft_tokens > 0) {
      EXPECT_EQ(end, static_cast<int>(token_ids[r].size()));
    }
    write(scheduled, token_ids[r], state);
    num_tokens += scheduled.num_scheduled_tokens;
  }
  EXPECT_EQ(num_tokens, output.total_num_scheduled_tokens);
  EXPECT_EQ(next_draft, output.draft_token_ids.size());

  ModelRunnerOutput result;
  result.sampled_starts.push_back(0);
  for (int r = 0; r < output.num_reqs(); ++r) {
    const ScheduledRequest& scheduled = output.requests[r];
    State& state = requests_[scheduled.request_id];
    const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
    read_back(end, token_ids[r], state);
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
