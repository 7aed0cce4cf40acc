#include "quire/llm.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/progress_bar.h"
#include "engine/beam_search.h"
#include "engine/chat_prompt.h"
#include "quire/chat_template.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(10);

using Streams = std::vector<std::shared_ptr<RequestStream>>;

// Which streams have something to read. Filled by the engine's output thread.
class ReadyList {
 public:
  void add(size_t stream) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(stream);
    not_empty_.notify_one();
  }

  // Waits a little for streams that are ready; perhaps none. A stream may come twice.
  std::vector<size_t> take() {
    std::unique_lock lock(mutex_);
    not_empty_.wait_for(lock, kPollInterval, [&] { return !ready_.empty(); });
    return std::exchange(ready_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::vector<size_t> ready_;
};

// Requests on their way, and who of them has something to read.
struct Batch {
  Streams streams;
  std::shared_ptr<ReadyList> ready = std::make_shared<ReadyList>();
};

// Output i is that of stream i.
class OutputCollector {
 public:
  OutputCollector(const Batch& batch, const GenerateOptions& options)
      : streams_(batch.streams),
        ready_(*batch.ready),
        outputs_(streams_.size()),
        poll_(options.poll),
        bar_("Processed prompts", static_cast<int64_t>(streams_.size()), options.use_tqdm) {}

  // Requests finish in any order, and the bar shows each at once.
  std::vector<RequestOutput> collect() {
    while (num_done_ < streams_.size()) {
      for (const size_t stream : ready_.take())
        take_if_ready(stream);
      if (bar_.is_shown()) bar_.update(static_cast<int64_t>(num_done_), speeds());
      if (poll_) poll_();
    }
    return std::move(outputs_);
  }

 private:
  void take_if_ready(size_t i) {
    if (i >= streams_.size()) return;  // of one that was refused with its neighbours
    auto output = streams_[i]->try_next();
    if (!output) return;
    ++num_done_;
    num_input_tokens_ += output->prompt_token_ids.size();
    for (const CompletionOutput& completion : output->outputs) {
      num_output_tokens_ += completion.token_ids.size();
    }
    outputs_[i] = std::move(*output);
  }

  std::string speeds() const {
    const double seconds = std::max(bar_.elapsed(), 1e-9);
    return fmt::format(
        "est. speed input: {:.2f} toks/s, output: {:.2f} toks/s",
        static_cast<double>(num_input_tokens_) / seconds,
        static_cast<double>(num_output_tokens_) / seconds
    );
  }

  const Streams& streams_;
  ReadyList& ready_;
  std::vector<RequestOutput> outputs_;
  size_t num_done_ = 0;
  const std::function<void()>& poll_;
  ProgressBar bar_;
  size_t num_input_tokens_ = 0;
  size_t num_output_tokens_ = 0;
};

void check_one_per_prompt(const char* field, size_t number, size_t num_prompts) {
  if (number == num_prompts) return;
  throw InvalidArgument(
      field,
      fmt::format(
          "The lengths of prompts ({}) and {} ({}) must be the same.", num_prompts, field, number
      )
  );
}

}  // namespace

struct LLM::Impl {
  explicit Impl(std::unique_ptr<AsyncEngine> owned) : engine(std::move(owned)) {}

  // All of them, or none. Gives the ids.
  std::vector<std::string> add_requests(
      std::span<const Prompt> prompts,
      std::span<const SamplingParams> params,
      const std::vector<int>& priorities,
      Batch& batch
  ) {
    if (params.size() != 1) check_one_per_prompt("params", params.size(), prompts.size());
    if (params.size() == 1 && prompts.size() > 1 && !params[0].logits_processors.empty()) {
      throw InvalidArgument(
          "logits_processors",
          "A logits processor belongs to one completion: give each prompt params of its own."
      );
    }
    if (!priorities.empty()) check_one_per_prompt("priorities", priorities.size(), prompts.size());
    Streams streams;  // dropped when one is refused, and so aborted
    std::vector<std::string> ids;
    for (size_t i = 0; i < prompts.size(); ++i) {
      SamplingParams one = params[params.size() == 1 ? 0 : i];
      one.output_kind = RequestOutputKind::kFinalOnly;
      AddRequestOptions options;
      const size_t place = batch.streams.size() + i;
      options.on_output = [ready = batch.ready, place] { ready->add(place); };
      if (!priorities.empty()) options.priority = priorities[i];
      ids.push_back(std::to_string(next_request_id++));
      streams.push_back(engine->add_request(ids.back(), prompts[i], one, options));
    }
    batch.streams.insert(batch.streams.end(), streams.begin(), streams.end());
    return ids;
  }

  std::unique_ptr<AsyncEngine> engine;
  std::atomic<uint64_t> next_request_id = 0;
  std::mutex enqueued_mutex;
  Batch enqueued;
};

LLM::LLM(const EngineConfig& config) : LLM(std::make_unique<AsyncEngine>(config)) {}
LLM::LLM(std::unique_ptr<AsyncEngine> engine) : impl_(std::make_unique<Impl>(std::move(engine))) {}
LLM::~LLM() = default;

std::vector<RequestOutput> LLM::generate(
    std::span<const Prompt> prompts,
    std::span<const SamplingParams> params,
    const GenerateOptions& options
) {
  Batch batch;
  impl_->add_requests(prompts, params, options.priorities, batch);
  return OutputCollector(batch, options).collect();
}

std::vector<std::string> LLM::enqueue(
    std::span<const Prompt> prompts,
    std::span<const SamplingParams> params,
    const std::vector<int>& priorities
) {
  const std::lock_guard lock(impl_->enqueued_mutex);
  return impl_->add_requests(prompts, params, priorities, impl_->enqueued);
}

std::vector<RequestOutput> LLM::wait_for_completion(const GenerateOptions& options) {
  Batch batch;
  {
    const std::lock_guard lock(impl_->enqueued_mutex);
    std::swap(batch, impl_->enqueued);
  }
  return OutputCollector(batch, options).collect();
}

std::vector<RequestOutput> LLM::generate(
    const std::vector<std::string>& prompts, const SamplingParams& params
) {
  std::vector<Prompt> texts(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i)
    texts[i].text = prompts[i];
  return generate(texts, {&params, 1});
}

std::vector<RequestOutput> LLM::chat(
    std::span<const std::vector<ChatMessage>> conversations,
    std::span<const SamplingParams> params,
    const ChatOptions& options
) {
  std::vector<Prompt> prompts;
  for (const std::vector<ChatMessage>& messages : conversations) {
    prompts.push_back(render_chat_prompt(*impl_->engine, messages, options));
  }
  GenerateOptions generate_options;
  generate_options.use_tqdm = options.use_tqdm;
  return generate(prompts, params, generate_options);
}

std::vector<std::vector<BeamSearchSequence>> LLM::beam_search(
    std::span<const Prompt> prompts,
    const BeamSearchParams& params,
    const std::function<void()>& poll
) {
  return quire::beam_search(*this, prompts, params, poll);
}

bool LLM::reset_prefix_cache(bool reset_running_requests) {
  return impl_->engine->reset_prefix_cache(reset_running_requests);
}

SamplingParams LLM::default_sampling_params() const {
  return impl_->engine->default_sampling_params();
}

AsyncEngine& LLM::engine() {
  return *impl_->engine;
}

}  // namespace quire
