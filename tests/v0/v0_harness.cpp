#include "v0/v0_harness.h"

#include <array>

#include "base/check.h"

namespace quire::test {

SchedulerConfig v0_config(const V0Options& options) {
  SchedulerConfig config;
  config.kind = SchedulerKind::kV0;
  config.max_num_seqs = options.max_num_seqs;
  config.max_num_batched_tokens = options.max_num_batched_tokens;
  config.max_model_len = options.max_model_len;
  config.enable_chunked_prefill = options.enable_chunked_prefill;
  config.max_num_partial_prefills = options.max_num_partial_prefills;
  config.max_long_partial_prefills = options.max_long_partial_prefills;
  config.long_prefill_token_threshold = options.long_prefill_token_threshold;
  config.policy = options.policy;
  config.preemption_mode = options.preemption_mode;
  config.scheduler_delay_factor = options.scheduler_delay_factor;
  return config;
}

CacheConfig v0_cache_config(const V0Options& options) {
  CacheConfig config;
  config.block_size = options.block_size;
  config.enable_prefix_caching = options.enable_prefix_caching;
  config.none_hash = none_hash_from_seed(config.prefix_caching_hash_algo, "0");
  return config;
}

KVCacheConfig v0_kv_cache_config(const V0Options& options) {
  KVCacheConfig config;
  config.num_blocks = options.num_blocks + 1;
  config.num_host_blocks = options.num_host_blocks;
  KVCacheGroupSpec& group = config.groups.emplace_back();
  group.layer_indices = {0};
  group.spec = {.block_size = options.block_size, .num_kv_heads = 1, .head_dim = 1};
  return config;
}

v0::Scheduler create_v0(const V0Options& options) {
  return v0::Scheduler(
      v0_config(options), v0_cache_config(options), v0_kv_cache_config(options), options.clock
  );
}

std::vector<std::unique_ptr<Request>> create_completions(int n, RequestOptions options) {
  std::vector<std::unique_ptr<Request>> requests;
  const RequestId group_id = options.id;
  if (!options.prompt) {
    options.prompt = std::vector<int32_t>(options.num_tokens, static_cast<int32_t>(group_id));
  }
  for (int i = 0; i < n; ++i) {
    options.id = group_id + static_cast<RequestId>(i);
    requests.push_back(create_request(options));
    requests.back()->group_id = group_id;
    requests.back()->group_size = n;
  }
  return requests;
}

void add(SchedulerInterface& scheduler, RequestOptions options, int n) {
  for (std::unique_ptr<Request>& request : create_completions(n, std::move(options)))
    scheduler.add_request(std::move(request));
}

void abort(SchedulerInterface& scheduler, RequestId id) {
  const std::array<RequestId, 1> ids{id};
  scheduler.finish_requests(ids, RequestStatus::kFinishedAborted);
}

std::vector<RequestId> ids_of(const v0::Scheduler::Queue& queue) {
  std::vector<RequestId> ids;
  for (const v0::SequenceGroup* group : queue) {
    for (const Request* request : group->requests)
      ids.push_back(request->id);
  }
  return ids;
}

V0Step run_step(v0::Scheduler& scheduler, int32_t token_id) {
  V0Step step;
  step.output = scheduler.schedule();
  std::map<RequestId, std::vector<int32_t>> sampled;
  for (const ScheduledRequest& scheduled : step.output.requests) {
    const Request* request = scheduler.find_request(scheduled.request_id);
    const int end = scheduled.num_computed_tokens + scheduled.num_scheduled_tokens;
    if (end >= request->num_tokens()) sampled[request->id] = {token_id};
  }
  ModelRunnerOutput result = make_runner_output(step.output, sampled);
  scheduler.update(step.output, result, step.outputs);
  scheduler.check_integrity();
  return step;
}

ContractEngine::ContractEngine(
    std::unique_ptr<SchedulerInterface> scheduler,
    const KVCacheConfig& kv_cache_config,
    int max_num_batched_tokens
)
    : scheduler_(std::move(scheduler)),
      runner_(kv_cache_config),
      max_num_batched_tokens_(max_num_batched_tokens) {}

RequestId ContractEngine::add(RequestOptions options, int n) {
  const RequestId first_id = next_id_;
  options.id = first_id;
  for (std::unique_ptr<Request>& request : create_completions(n, options)) {
    clients_[next_id_++] = {.prompt = request->token_ids, .max_tokens = options.max_tokens.value()};
    scheduler_->add_request(std::move(request));
  }
  return first_id;
}

void ContractEngine::abort(RequestId id) {
  const std::array<RequestId, 1> ids{id};
  const size_t num_alive = scheduler_->finish_requests(ids, RequestStatus::kFinishedAborted).size();
  QUIRE_CHECK(clients_.erase(id) == num_alive, "request {}", id);
}

void ContractEngine::step(std::optional<RequestId> aborted_id) {
  const SchedulerOutput& output = scheduler_->schedule();
  const int num_tokens = output.total_num_scheduled_tokens;
  QUIRE_CHECK(num_tokens <= max_num_batched_tokens_, "{} tokens", num_tokens);
  count(output);
  ModelRunnerOutput result = runner_.execute(output);
  if (aborted_id) abort(*aborted_id);
  outputs_.clear();
  scheduler_->update(output, result, outputs_);
  last_step_ = output;
  for (const EngineCoreOutput& told : outputs_.outputs)
    take(told);
}

void ContractEngine::count(const SchedulerOutput& output) {
  for (const BlockCopy& copy : output.block_copies) {
    const bool is_swap = copy.source_space != copy.target_space;
    ++(is_swap ? num_swaps_ : num_copies_on_write_);
  }
  for (const ScheduledRequest& request : output.requests) {
    const bool is_prefill = request.new_request_idx && !request.fork_of;
    if (is_prefill) num_hit_tokens_ += request.num_computed_tokens;
  }
}

void ContractEngine::take(const EngineCoreOutput& told) {
  Client& client = clients_.at(told.request_id);
  const std::span<const int32_t> ids = outputs_.new_token_ids(told);
  client.output.insert(client.output.end(), ids.begin(), ids.end());
  const int num_tokens = static_cast<int>(client.output.size());
  QUIRE_CHECK(
      client.output == FakeRunner::continuation(client.prompt, num_tokens),
      "request {} is wrong in its first {} tokens",
      told.request_id,
      num_tokens
  );
  if (!told.finish_reason) return;
  if (*told.finish_reason == FinishReason::kError) {
    QUIRE_CHECK(!told.error.empty(), "request {} fails without a reason", told.request_id);
    ++num_failed_;
  } else {
    QUIRE_CHECK(*told.finish_reason == FinishReason::kLength && told.error.empty());
    num_cut_short_ += num_tokens < client.max_tokens;
  }
  finished_[told.request_id] = client.output;
  clients_.erase(told.request_id);
}

void ContractEngine::run_to_the_end() {
  for (int num_steps = 0; scheduler_->has_work(); ++num_steps) {
    QUIRE_CHECK(num_steps < 20000, "no end");
    step();
  }
  const SchedulerStats stats = scheduler_->stats();
  QUIRE_CHECK(!scheduler_->has_unfinished_requests());
  QUIRE_CHECK(clients_.empty(), "{} requests were forgotten", clients_.size());
  QUIRE_CHECK(runner_.num_live_requests() == 0, "{}", runner_.num_live_requests());
  QUIRE_CHECK(stats.num_used_blocks == 0, "{} blocks are lost", stats.num_used_blocks);
  QUIRE_CHECK(stats.host_cache_usage == 0.0, "{} of the swap space", stats.host_cache_usage);
}

}  // namespace quire::test
