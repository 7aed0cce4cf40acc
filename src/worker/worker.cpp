#include "worker/worker.h"

#include <algorithm>

#include "base/check.h"

namespace quire {

Worker::Worker(const WorkerConfig& config)
    : config_(config), pool_(config.num_threads), stream_(Stream::cpu(pool_)) {}

Worker::~Worker() = default;

void Worker::load_model(const ModelConfig& model, WeightSource source) {
  source_ = std::make_unique<WeightSource>(std::move(source));
  model_config_ = model;
  const LoadOptions options{.dtype = config_.dtype, .max_model_len = config_.max_model_len};
  model_ = quire::load_model(model, options, WeightScope(*source_), stream_);
  source_->on_progress(nullptr);  // who listens to the loading need not live as long as the files
}

void Worker::load_null_model(const ModelConfig& model) {
  model_config_ = model;
}

std::vector<KVCacheSpec> Worker::kv_cache_specs() const {
  return model_ ? model_->kv_cache_specs() : kv_cache_specs_of(model_config_, config_.dtype);
}

int64_t Worker::workspace_bytes() const {
  if (!model_) return 0;
  return static_cast<int64_t>(ModelRunner::workspace_bytes(runner_config(), *model_));
}

ModelRunnerConfig Worker::runner_config() const {
  return {
      .max_num_seqs = config_.max_num_seqs,
      .max_num_batched_tokens = config_.max_num_batched_tokens,
      .max_model_len = config_.max_model_len,
      .vocab_size = model_config_.vocab_size,
      .num_threads = config_.num_threads,
      .logprobs_mode = config_.logprobs_mode,
      .seed = config_.seed,
  };
}

void Worker::initialize_kv_cache(const KVCacheConfig& config) {
  QUIRE_CHECK(model_config_.vocab_size > 0, "no model was loaded");
  if (model_) {
    auto runner = std::make_unique<ModelRunner>(runner_config(), *model_, config, stream_);
    populate_kv_cache(*runner);
    runner_ = std::move(runner);
    return;
  }
  const StepLimits limits{
      config_.max_num_seqs, config_.max_num_batched_tokens, config_.max_model_len};
  runner_ = std::make_unique<NullRunner>(limits, model_config_, config);
}

void Worker::populate_kv_cache(const ModelRunner& runner) {
  if (config_.kv_cache_population == KVCachePopulation::kLazy) return;
  populator_.emplace(runner.kv_cache_memory());
  if (config_.kv_cache_population == KVCachePopulation::kEager) populator_->wait();
}

void Worker::sleep() {
  populator_.reset();
  const auto* runner = std::get_if<std::unique_ptr<ModelRunner>>(&runner_);
  if (runner == nullptr) return;
  for (const std::span<std::byte> piece : (*runner)->kv_cache_memory())
    release_memory(piece);
}

void Worker::wake_up() {
  // What was given back comes again, as zeros, when it is used.
  if (const auto* runner = std::get_if<std::unique_ptr<ModelRunner>>(&runner_))
    populate_kv_cache(**runner);
}

void Worker::execute(const SchedulerOutput& output) {
  std::visit([&](auto& runner) { runner->execute(output); }, runner_);
}

ModelRunnerOutput& Worker::sample() {
  return std::visit([](auto& runner) -> ModelRunnerOutput& { return runner->sample(); }, runner_);
}

}  // namespace quire
