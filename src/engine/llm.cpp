#include "quire/llm.h"

#include <atomic>
#include <chrono>
#include <thread>

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

// Output i is that of stream i.
class OutputCollector {
 public:
  OutputCollector(const Streams& streams, bool use_tqdm)
      : streams_(streams),
        outputs_(streams.size()),
        bar_("Processed prompts", static_cast<int64_t>(streams.size()), use_tqdm) {}

  std::vector<RequestOutput> collect() {
    if (bar_.is_shown()) {
      poll();
    } else {
      for (size_t i = 0; i < streams_.size(); ++i)
        outputs_[i] = *streams_[i]->next();
    }
    return std::move(outputs_);
  }

 private:
  // Requests finish in any order, and the bar shows each at once.
  void poll() {
    std::vector<size_t> waiting(streams_.size());
    for (size_t i = 0; i < waiting.size(); ++i)
      waiting[i] = i;
    while (!waiting.empty()) {
      const size_t num_before = waiting.size();
      std::erase_if(waiting, [&](size_t i) { return take_if_ready(i); });
      bar_.update(static_cast<int64_t>(streams_.size() - waiting.size()), speeds());
      if (waiting.size() == num_before) std::this_thread::sleep_for(kPollInterval);
    }
  }

  bool take_if_ready(size_t i) {
    auto output = streams_[i]->try_next();
    if (!output) return false;
    num_input_tokens_ += output->prompt_token_ids.size();
    for (const CompletionOutput& completion : output->outputs) {
      num_output_tokens_ += completion.token_ids.size();
    }
    outputs_[i] = std::move(*output);
    return true;
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
  std::vector<RequestOutput> outputs_;
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

  Streams add_requests(
      std::span<const Prompt> prompts,
      std::span<const SamplingParams> params,
      const std::vector<int>& priorities
  ) {
    if (params.size() != 1) check_one_per_prompt("params", params.size(), prompts.size());
    if (!priorities.empty()) check_one_per_prompt("priorities", priorities.size(), prompts.size());
    Streams streams;  // dropped when one is refused, and so aborted
    for (size_t i = 0; i < prompts.size(); ++i) {
      SamplingParams one = params[params.size() == 1 ? 0 : i];
      one.output_kind = RequestOutputKind::kFinalOnly;
      AddRequestOptions options;
      if (!priorities.empty()) options.priority = priorities[i];
      streams.push_back(
          engine->add_request(std::to_string(next_request_id++), prompts[i], one, options)
      );
    }
    return streams;
  }

  std::unique_ptr<AsyncEngine> engine;
  std::atomic<uint64_t> next_request_id = 0;
};

LLM::LLM(const EngineConfig& config) : LLM(std::make_unique<AsyncEngine>(config)) {}
LLM::LLM(std::unique_ptr<AsyncEngine> engine) : impl_(std::make_unique<Impl>(std::move(engine))) {}
LLM::~LLM() = default;

std::vector<RequestOutput> LLM::generate(
    std::span<const Prompt> prompts,
    std::span<const SamplingParams> params,
    const GenerateOptions& options
) {
  const Streams streams = impl_->add_requests(prompts, params, options.priorities);
  return OutputCollector(streams, options.use_tqdm).collect();
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
    std::span<const Prompt> prompts, const BeamSearchParams& params
) {
  return quire::beam_search(*this, prompts, params);
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
