#include "quire/async_engine.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/env.h"
#include "base/log.h"
#include "base/start_thread.h"
#include "engine/engine_metrics.h"
#include "engine/load_engine.h"
#include "engine/output_processor.h"
#include "engine/stats_logger.h"
#include "quire/chat_template.h"
#include "quire/error.h"

namespace quire {

struct AsyncEngine::Impl {
  explicit Impl(LoadedEngine engine)
      : loaded(std::move(engine)),
        input(input_processor_config(loaded), loaded.tokenizer),
        output(loaded.tokenizer, loaded.config.stream_interval),
        metrics(engine_metrics_config(loaded)),
        stats_thread(
            loaded.config.disable_log_stats
                ? std::jthread()
                : start_thread<std::jthread>([this](std::stop_token stop) { log_stats(stop); })
        ),
        output_thread(start_thread([this] { run_output_thread(); })) {}

  ~Impl() { shutdown(); }

  // Ends when the engine core has shut down or died, or when its outputs cannot be passed on.
  void run_output_thread() {
    try {
      pass_outputs_on();
      const std::optional<std::string> error = loaded.core->dead_reason();
      const size_t num_alive = output.close(error).size();
      metrics.record_ends(
          error ? FinishReason::kError : FinishReason::kAbort, static_cast<int64_t>(num_alive)
      );
    } catch (const std::exception& error) {
      QUIRE_LOG_ERROR("The outputs of the engine cannot be passed on: {}", error.what());
      fail_all(error.what());
    }
  }

  // Nobody will read what the engine core still computes.
  void fail_all(const std::string& reason) {
    std::vector<RequestId> alive = output.close(reason);
    metrics.record_ends(FinishReason::kError, static_cast<int64_t>(alive.size()));
    try {
      abort_in_core(std::move(alive));
    } catch (const std::exception& error) {
      QUIRE_LOG_ERROR("The engine core did not take an abort: {}", error.what());
    }
  }

  void pass_outputs_on() {
    EngineCoreOutputs outputs;
    std::vector<RequestId> to_abort;
    while (loaded.core->wait_outputs(outputs)) {
      {
        std::lock_guard lock(step_mutex);
        metrics.record(output.process(outputs, to_abort));
      }
      abort_in_core(std::exchange(to_abort, {}));
      std::lock_guard lock(listener_mutex);
      if (step_listener) step_listener();
    }
  }

  void log_stats(const std::stop_token& stop) {
    const auto interval = std::chrono::duration<double>(env::log_stats_interval());
    StatsLogger logger(monotonic_time());
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stopped.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
      try {
        const auto line =
            logger.next_line(monotonic_time(), metrics.token_counts(), loaded.core->stats());
        if (line) QUIRE_LOG_INFO("{}", *line);
      } catch (const std::exception& error) {
        QUIRE_LOG_ERROR("The engine's statistics cannot be logged: {}", error.what());
      }
    }
  }

  // Of a request that somebody gave up.
  void abort(std::vector<RequestId> alive) {
    metrics.record_ends(FinishReason::kAbort, static_cast<int64_t>(alive.size()));
    abort_in_core(std::move(alive));
  }

  void abort_in_core(std::vector<RequestId> ids) {
    if (!ids.empty()) loaded.core->abort_requests(std::move(ids));
  }

  void shutdown() {
    std::lock_guard lock(shutdown_mutex);
    loaded.core->shutdown();
    if (output_thread.joinable()) output_thread.join();
    if (stats_thread.joinable()) {
      stats_thread.request_stop();
      stats_thread.join();
    }
  }

  LoadedEngine loaded;
  InputProcessor input;
  OutputProcessor output;
  EngineMetrics metrics;
  // Held while a step's outputs are passed on: who has seen one finds it in the metrics. A reader
  // may look at them while it is told of an output.
  std::recursive_mutex step_mutex;
  std::mutex listener_mutex;  // guards step_listener, and is held while it is called
  std::function<void()> step_listener;
  std::mutex shutdown_mutex;
  std::once_flag chat_template_once;
  std::shared_ptr<const ChatTemplate> chat_template;
  // The last members: they use the others. The first ends by itself if the second cannot start.
  std::jthread stats_thread;
  std::thread output_thread;
};

AsyncEngine::AsyncEngine(const EngineConfig& config, UsageContext usage)
    : AsyncEngine(load_engine(config, usage)) {}

AsyncEngine::AsyncEngine(LoadedEngine loaded) : impl_(std::make_shared<Impl>(std::move(loaded))) {}

AsyncEngine::~AsyncEngine() {
  impl_->shutdown();
}

std::shared_ptr<RequestStream> AsyncEngine::add_request(
    const std::string& request_id,
    const Prompt& prompt,
    const SamplingParams& params,
    const AddRequestOptions& options
) {
  ProcessedInput input = impl_->input.process(prompt, params, options);
  std::shared_ptr<RequestState> state = impl_->output.add(request_id, input, options);
  impl_->loaded.core->add_requests(std::move(input.requests));
  // An abort may have come before the requests that it meant.
  if (state->ended()) impl_->abort_in_core(state->core_ids());
  // Nobody will read what a dropped stream's request computes.
  const auto abort_if_unread = [state, engine = std::weak_ptr(impl_)](RequestStream*) {
    state->drop_reader();
    if (const auto impl = engine.lock()) impl->abort(impl->output.abort(*state));
  };
  return std::shared_ptr<RequestStream>(state.get(), abort_if_unread);
}

void AsyncEngine::set_step_listener(std::function<void()> listener) {
  std::lock_guard lock(impl_->listener_mutex);
  impl_->step_listener = std::move(listener);
}

void AsyncEngine::abort(const std::string& request_id) {
  impl_->abort(impl_->output.abort(request_id));
}

void AsyncEngine::abort_all(const std::optional<std::string>& error) {
  const FinishReason reason = error ? FinishReason::kError : FinishReason::kAbort;
  std::vector<RequestId> alive = impl_->output.abort_all(error);
  impl_->metrics.record_ends(reason, static_cast<int64_t>(alive.size()));
  impl_->abort_in_core(std::move(alive));
}

bool AsyncEngine::reset_prefix_cache(bool reset_running_requests) {
  return impl_->loaded.core->reset_prefix_cache(reset_running_requests);
}

bool AsyncEngine::pause_generation(PauseMode mode, bool clear_cache) {
  return impl_->loaded.core->pause(mode, clear_cache);
}

void AsyncEngine::resume_generation() {
  impl_->loaded.core->resume();
}

bool AsyncEngine::sleep(int level, PauseMode mode) {
  if (level == 0) return impl_->loaded.core->pause(mode, false);
  if (level == 1) return impl_->loaded.core->sleep(mode);
  throw InvalidArgument(
      "level",
      fmt::format(
          "Sleep level {} would discard the weights, which cannot be loaded again in a running "
          "engine. Use level 1, which gives the KV cache's memory back, or 0, which only pauses.",
          level
      )
  );
}

void AsyncEngine::wake_up() {
  resume_generation();
}

bool AsyncEngine::is_sleeping() const {
  return stats().is_sleeping;
}

bool AsyncEngine::is_paused() const {
  return stats().is_paused;
}

EngineStats AsyncEngine::stats() const {
  EngineStats stats = impl_->loaded.core->stats();
  const OutputProcessor::Load load = impl_->output.load();
  stats.num_unfinished_reqs = load.num_unfinished;
  stats.num_pending_prompt_tokens = load.num_pending_prompt_tokens;
  return stats;
}

std::vector<Metric> AsyncEngine::metrics() const {
  std::lock_guard lock(impl_->step_mutex);
  return impl_->metrics.collect(stats());
}

std::string AsyncEngine::metrics_text() const {
  std::lock_guard lock(impl_->step_mutex);
  return impl_->metrics.text(stats());
}

std::shared_ptr<const Tokenizer> AsyncEngine::tokenizer() const {
  return impl_->loaded.tokenizer;
}

const ChatTemplate& AsyncEngine::chat_template() const {
  // The model's own is compiled when first asked for: plain completions do not wait for it, or fail
  // with it.
  std::call_once(impl_->chat_template_once, [this] {
    impl_->chat_template = impl_->loaded.chat_template;
    if (!impl_->chat_template)
      impl_->chat_template = ChatTemplate::from_dir(impl_->loaded.tokenizer_dir);
  });
  if (!impl_->chat_template) {
    throw InvalidArgument(
        "chat_template",
        "The model has no chat template. Give one with --chat-template, or use a plain prompt."
    );
  }
  return *impl_->chat_template;
}

Prompt AsyncEngine::render_chat(std::string_view context) const {
  const std::shared_ptr<const Tokenizer> tokenizer = this->tokenizer();
  if (!tokenizer) {
    throw InvalidArgument(
        "messages",
        "The engine was started with skip_tokenizer_init: give prompt_token_ids instead of "
        "messages."
    );
  }
  Prompt prompt;
  prompt.text = chat_template().render(context);
  // The template has written the special tokens already.
  prompt.token_ids = tokenizer->encode(prompt.text, false);
  return prompt;
}

const EngineConfig& AsyncEngine::config() const {
  return impl_->loaded.config;
}

int AsyncEngine::max_model_len() const {
  return impl_->loaded.max_model_len;
}
int AsyncEngine::max_num_seqs() const {
  return impl_->loaded.max_num_seqs;
}
int AsyncEngine::vocab_size() const {
  return impl_->loaded.model.vocab_size;
}

std::vector<int32_t> AsyncEngine::eos_token_ids() const {
  std::vector<int32_t> ids = impl_->loaded.model.eos_token_ids;
  const auto own = tokenizer() ? tokenizer()->eos_token_id() : std::nullopt;
  if (own) {
    std::erase(ids, *own);
    ids.insert(ids.begin(), *own);
  }
  return ids;
}

SamplingParams AsyncEngine::default_sampling_params() const {
  const ModelConfig& model = impl_->loaded.model;
  SamplingParams params;
  params.temperature = model.default_temperature.value_or(params.temperature);
  params.top_p = model.default_top_p.value_or(params.top_p);
  params.top_k = model.default_top_k.value_or(params.top_k);
  params.min_p = model.default_min_p.value_or(params.min_p);
  params.repetition_penalty = model.default_repetition_penalty.value_or(params.repetition_penalty);
  if (model.default_max_new_tokens) params.max_tokens = model.default_max_new_tokens;
  return params;
}

std::optional<std::string> AsyncEngine::dead_reason() const {
  const std::optional<std::string> reason = impl_->loaded.core->dead_reason();
  return reason ? reason : impl_->output.close_error();
}

void AsyncEngine::shutdown() {
  impl_->shutdown();
}

}  // namespace quire
