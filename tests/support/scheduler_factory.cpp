#include "support/scheduler_factory.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace quire::test {

CacheConfig make_cache_config(const SchedulerOptions& options) {
  return {
      .block_size = options.block_size,
      .enable_prefix_caching = options.enable_prefix_caching,
      .prefix_caching_hash_algo = options.prefix_caching_hash_algo,
      .none_hash = none_hash_from_seed(options.prefix_caching_hash_algo, "0"),
  };
}

KVCacheConfig make_kv_cache_config(const SchedulerOptions& options) {
  KVCacheSpec spec{.block_size = options.block_size, .num_kv_heads = 1, .head_dim = 1};
  KVCacheConfig config{.num_blocks = options.num_blocks};
  for (const std::optional<int>& window : options.windows) {
    spec.sliding_window = window;
    config.groups.push_back(
        {.layer_indices = {static_cast<int>(config.groups.size())}, .spec = spec}
    );
  }
  return config;
}

Scheduler create_scheduler(const SchedulerOptions& options) {
  return Scheduler(
      SchedulerConfig{
          .max_num_batched_tokens = options.max_num_batched_tokens,
          .max_num_scheduled_tokens = options.max_num_scheduled_tokens,
          .max_num_seqs = options.max_num_seqs,
          .max_model_len = options.max_model_len.value_or(options.max_num_batched_tokens),
          .enable_chunked_prefill = options.enable_chunked_prefill,
          .long_prefill_token_threshold = options.long_prefill_token_threshold,
          .max_num_partial_prefills = options.max_num_partial_prefills,
          .max_long_partial_prefills = options.max_long_partial_prefills,
          .policy = options.policy,
          .scheduler_reserve_full_isl = options.scheduler_reserve_full_isl,
          .async_scheduling = options.async_scheduling,
      },
      make_cache_config(options),
      make_kv_cache_config(options)
  );
}

std::unique_ptr<Request> create_request(const RequestOptions& options) {
  auto request = std::make_unique<Request>();
  request->id = options.id;
  request->request_idx = static_cast<int>(options.id);  // for tests without a scheduler
  request->priority = options.priority;
  request->arrival_time = options.arrival_time;
  request->cache_salt = options.cache_salt;
  request->is_ready = options.is_ready;
  request->resumable = options.resumable;
  request->is_streaming_update = options.is_streaming_update;
  request->token_ids = options.prompt.value_or(
      std::vector<int32_t>(options.num_tokens, static_cast<int32_t>(options.id))
  );
  request->num_prompt_tokens = request->num_tokens();
  SamplingParams& params = request->sampling_params;
  params.max_tokens = options.max_tokens;
  params.min_tokens = options.min_tokens;
  params.ignore_eos = options.ignore_eos;
  params.stop_token_ids = options.stop_token_ids;
  params.prompt_logprobs = options.prompt_logprobs;
  params.eos_token_id = kEosTokenId;
  return request;
}

std::vector<std::unique_ptr<Request>> create_requests(int n, RequestOptions options) {
  std::vector<std::unique_ptr<Request>> requests;
  for (int i = 0; i < n; ++i) {
    options.id = static_cast<RequestId>(i);
    requests.push_back(create_request(options));
  }
  return requests;
}

std::vector<RequestId> add_requests(Scheduler& scheduler, int n, RequestOptions options) {
  std::vector<RequestId> ids;
  for (std::unique_ptr<Request>& request : create_requests(n, std::move(options))) {
    ids.push_back(request->id);
    scheduler.add_request(std::move(request));
  }
  return ids;
}

std::vector<int32_t> token_range(int32_t first, int n) {
  std::vector<int32_t> ids(n);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

ModelRunnerOutput make_runner_output(
    const SchedulerOutput& output, const std::map<RequestId, std::vector<int32_t>>& sampled
) {
  ModelRunnerOutput result;
  result.sampled_starts.push_back(0);
  for (const ScheduledRequest& request : output.requests) {
    if (const auto found = sampled.find(request.request_id); found != sampled.end()) {
      const std::vector<int32_t>& ids = found->second;
      result.sampled_token_ids.insert(result.sampled_token_ids.end(), ids.begin(), ids.end());
    }
    result.sampled_starts.push_back(static_cast<int>(result.sampled_token_ids.size()));
  }
  return result;
}

ModelRunnerOutput make_runner_output(
    const Scheduler& scheduler, const SchedulerOutput& output, int32_t token_id
) {
  std::map<RequestId, std::vector<int32_t>> sampled;
  for (const ScheduledRequest& scheduled : output.requests) {
    const Request* request = scheduler.find_request(scheduled.request_id);
    const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
    if (request && end >= request->num_tokens()) sampled[request->id] = {token_id};
  }
  return make_runner_output(output, sampled);
}

EngineCoreOutputs update(
    Scheduler& scheduler, const SchedulerOutput& output, ModelRunnerOutput result
) {
  EngineCoreOutputs outputs;
  scheduler.update(output, result, outputs);
  return outputs;
}

std::vector<RequestId> ids_of(std::span<const Request* const> requests) {
  std::vector<RequestId> ids;
  for (const Request* request : requests)
    ids.push_back(request->id);
  return ids;
}

std::map<RequestId, int> num_scheduled_tokens(const SchedulerOutput& output) {
  std::map<RequestId, int> counts;
  for (const ScheduledRequest& request : output.requests) {
    counts[request.request_id] = request.num_scheduled_tokens;
  }
  return counts;
}

std::vector<RequestId> new_request_ids(const SchedulerOutput& output) {
  std::vector<RequestId> ids;
  for (const NewRequestData& request : output.new_requests)
    ids.push_back(request.request_id);
  return ids;
}

std::vector<int32_t> output_of(const Request& request) {
  const std::span<const int32_t> ids = request.output_token_ids();
  return {ids.begin(), ids.end()};
}

const EngineCoreOutput* find_output(const EngineCoreOutputs& outputs, RequestId id) {
  const auto found = std::ranges::find(outputs.outputs, id, &EngineCoreOutput::request_id);
  return found == outputs.outputs.end() ? nullptr : &*found;
}

void expect_scheduler_is_empty(const Scheduler& scheduler) {
  EXPECT_FALSE(scheduler.has_unfinished_requests());
  EXPECT_TRUE(scheduler.running().empty());
  EXPECT_TRUE(scheduler.waiting().empty());
  EXPECT_TRUE(scheduler.skipped_waiting().empty());
  EXPECT_EQ(scheduler.kv_cache_manager().pool().num_used_blocks(), 0);
  EXPECT_NO_THROW(scheduler.check_integrity());
}

}  // namespace quire::test
