#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/request.h"
#include "core/scheduler.h"

// Short ways to a scheduler and its requests, with vLLM's constants for the same tests.
namespace quire::test {

inline constexpr int32_t kEosTokenId = 50256;

struct SchedulerOptions {
  int max_num_seqs = 16;
  int max_num_batched_tokens = 8192;
  std::optional<int> max_num_scheduled_tokens;
  std::optional<int> max_model_len;  // default: max_num_batched_tokens
  bool enable_chunked_prefill = true;
  int long_prefill_token_threshold = 0;
  int max_num_partial_prefills = 1;
  int max_long_partial_prefills = 1;
  SchedulingPolicy policy = SchedulingPolicy::kFcfs;
  bool scheduler_reserve_full_isl = true;
  bool enable_prefix_caching = false;
  bool async_scheduling = false;
  PrefixCachingHashAlgo prefix_caching_hash_algo = PrefixCachingHashAlgo::kSha256;
  int block_size = 16;
  int num_blocks = 10000;  // with the null block
  std::vector<std::optional<int>> windows = {std::nullopt};  // of each KV cache group; none: full
};

CacheConfig make_cache_config(const SchedulerOptions& options = {});
KVCacheConfig make_kv_cache_config(const SchedulerOptions& options = {});
Scheduler create_scheduler(const SchedulerOptions& options = {});

struct RequestOptions {
  RequestId id = 0;
  int num_tokens = 10;  // of the prompt: its id, repeated
  std::optional<std::vector<int32_t>> prompt;  // instead
  std::optional<int> max_tokens = 16;
  int min_tokens = 0;
  bool ignore_eos = false;
  std::vector<int32_t> stop_token_ids;
  std::optional<int> prompt_logprobs;
  int priority = 0;
  double arrival_time = 0.0;
  std::string cache_salt;
  bool is_ready = true;
  bool resumable = false;
  bool is_streaming_update = false;
};

std::unique_ptr<Request> create_request(const RequestOptions& options);
// Ids 0, 1, … n - 1, in the order of arrival.
std::vector<std::unique_ptr<Request>> create_requests(int n, RequestOptions options = {});
// Adds them to the scheduler and returns their ids.
std::vector<RequestId> add_requests(Scheduler& scheduler, int n, RequestOptions options = {});

// first, first + 1, … n tokens
std::vector<int32_t> token_range(int32_t first, int n);

// What a runner would return: these tokens for these requests, nothing for the others.
ModelRunnerOutput make_runner_output(
    const SchedulerOutput& output, const std::map<RequestId, std::vector<int32_t>>& sampled
);
// The same token for every request whose share reaches its last known token.
ModelRunnerOutput make_runner_output(
    const Scheduler& scheduler, const SchedulerOutput& output, int32_t token_id
);

// update() with a fresh EngineCoreOutputs.
EngineCoreOutputs update(
    Scheduler& scheduler, const SchedulerOutput& output, ModelRunnerOutput result
);

// Readable views.
std::vector<RequestId> ids_of(std::span<const Request* const> requests);
std::map<RequestId, int> num_scheduled_tokens(const SchedulerOutput& output);
std::vector<RequestId> new_request_ids(const SchedulerOutput& output);
std::vector<int32_t> output_of(const Request& request);
const EngineCoreOutput* find_output(const EngineCoreOutputs& outputs, RequestId id);

// Nothing lives and nothing is held; checks the integrity too.
void expect_scheduler_is_empty(const Scheduler& scheduler);

}  // namespace quire::test
