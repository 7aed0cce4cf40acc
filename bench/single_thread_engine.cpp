#include "bench/single_thread_engine.h"

#include <algorithm>

#include "base/clock.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr double kMicroseconds = 1e6;

const EngineConfig& require_one_thread(const EngineConfig& config) {
  if (!config.async_scheduling) return config;
  throw InvalidArgument(
      "async_scheduling",
      "is not supported here: the steps are measured one after another on one thread. Leave it "
      "out, or measure it with quire bench compare-engines --workload async."
  );
}

}  // namespace

class SingleThreadEngine::ClockedExecutor final : public Executor {
 public:
  ClockedExecutor(std::unique_ptr<Executor> executor, Clock& clock)
      : executor_(std::move(executor)), clock_(clock) {}

  void execute_model(const SchedulerOutput& output) override {
    clock_.execute_start = monotonic_time();
    executor_->execute_model(output);
  }

  ModelRunnerOutput& sample_tokens() override {
    ModelRunnerOutput& result = executor_->sample_tokens();
    clock_.sample_end = monotonic_time();
    return result;
  }

  void sleep() override { executor_->sleep(); }
  void wake_up() override { executor_->wake_up(); }

 private:
  std::unique_ptr<Executor> executor_;
  Clock& clock_;
};

EngineHooks SingleThreadEngine::hooks() {
  return {
      .wrap_executor = [this](std::unique_ptr<Executor> executor
                       ) { return std::make_unique<ClockedExecutor>(std::move(executor), clock_); },
      .start_core =
          [this](std::unique_ptr<EngineCore> core) {
            core_ = std::move(core);
            return nullptr;
          },
  };
}

SingleThreadEngine::SingleThreadEngine(const EngineConfig& config)
    : loaded_(load_engine(require_one_thread(config), UsageContext::kLlm, hooks())),
      input_(input_processor_config(loaded_), loaded_.tokenizer),
      output_(loaded_.tokenizer, loaded_.config.stream_interval) {}

void SingleThreadEngine::add_request(std::vector<int32_t> token_ids, const SamplingParams& params) {
  Prompt prompt;
  prompt.token_ids = std::move(token_ids);
  ProcessedInput input = input_.process(prompt, params, {});
  requests_.push_back(output_.add(std::to_string(requests_.size()), input));
  for (auto& request : input.requests)
    core_->add_request(std::move(request));
}

StepParts SingleThreadEngine::step() {
  outputs_.clear();
  const double start = monotonic_time();
  core_->step(outputs_);
  const double update_end = monotonic_time();
  (void)output_.process(outputs_, to_abort_);
  const double output_end = monotonic_time();
  return {
      .schedule = (clock_.execute_start - start) * kMicroseconds,
      .prepare = (clock_.sample_end - clock_.execute_start) * kMicroseconds,
      .update = (update_end - clock_.sample_end) * kMicroseconds,
      .output = (output_end - update_end) * kMicroseconds,
  };
}

bool SingleThreadEngine::has_ended_request() const {
  return std::ranges::any_of(outputs_.outputs, [](const EngineCoreOutput& output) {
    return output.finish_reason.has_value();
  });
}

void SingleThreadEngine::abort_all() {
  for (const auto& request : requests_) {
    outputs_.clear();
    core_->abort_requests(output_.abort(*request), outputs_);
  }
  outputs_.clear();
  core_->step(outputs_);  // tells the runner
  requests_.clear();
}

}  // namespace quire::bench
