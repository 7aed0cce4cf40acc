#include "engine/request_state.h"

#include <algorithm>
#include <numeric>

#include "base/clock.h"
#include "engine/position_logprobs.h"

namespace quire {
namespace {

bool holds_failure(const RequestOutput& out) {
  return std::ranges::any_of(out.outputs, [](const CompletionOutput& completion) {
    return completion.finish_reason == FinishReason::kError;
  });
}

}  // namespace

RequestState::RequestState(
    std::string request_id,
    ProcessedInput& input,
    std::shared_ptr<const Tokenizer> tokenizer,
    int stream_interval,
    const AddRequestOptions& options
)
    : request_id_(std::move(request_id)),
      prompt_(std::move(input.prompt)),
      prompt_token_ids_(input.requests.front()->token_ids),
      output_kind_(input.params.output_kind),
      tokenizer_(std::move(tokenizer)),
      stream_interval_(stream_interval),
      arrival_monotonic_time_(monotonic_time()),
      stats_({
          .arrival_time = arrival_monotonic_time_,
          .num_prompt_tokens = static_cast<int>(prompt_token_ids_.size()),
          .max_tokens = input.params.max_tokens,
          .n = static_cast<int>(input.requests.size()),
      }),
      on_output_(options.on_output),
      num_preemptions_(input.requests.size(), 0) {
  metrics_.arrival_time = input.requests.front()->arrival_time;
  if (input.params.prompt_logprobs) {
    prompt_logprobs_.emplace(1);  // nothing predicts the first token
  }
  if (output_kind_ == RequestOutputKind::kDelta && options.max_pending_outputs > 1) {
    pending_.emplace(options.max_pending_outputs);
  }
  completions_.reserve(input.requests.size());
  for (const auto& request : input.requests) {
    const int index = static_cast<int>(completions_.size());
    core_ids_.push_back(request->id);
    completions_.emplace_back(index, request->sampling_params, tokenizer_, prompt_token_ids_);
  }
}

UpdateResult RequestState::update(
    int index,
    const EngineCoreOutput& output,
    std::span<const int32_t> new_token_ids,
    double now,
    FunctionRef<void(const UpdateResult&)> on_finished
) {
  UpdateResult result;
  bool becomes_readable = false;
  {
    std::lock_guard lock(mutex_);
    if (end_is_due_) return result;  // ended from outside while the step was under way
    CompletionState& completion = completions_[index];
    record_events(index, output, now);
    append_prompt_logprobs(output.new_prompt_logprobs);
    result.engine_core_goes_on = completion.update(output, new_token_ids);
    result.completion_finished = completion.finished();
    result.finish_reason = completion.finish_reason();
    result.request_finished = result.completion_finished && all_completions_finished();
    if (!output.error.empty()) error_ = output.error;
    if (result.request_finished) metrics_.finished_time = now;
    if (result.completion_finished) on_finished(result);
    if (!is_due(completion)) return result;
    becomes_readable = !has_output_ || result.request_finished;
    add_output(index);
    end_is_due_ = result.request_finished;
  }
  wake_reader(becomes_readable);
  return result;
}

void RequestState::add_output(int index) {
  if (pending_) pending_->add(completions_[index].close_output());
  has_output_ = true;
}

void RequestState::wake_reader(bool becomes_readable) {
  ready_.notify_one();
  if (becomes_readable) on_output_.call();
}

void RequestState::finish(FinishReason reason, std::optional<std::string> error, double now) {
  {
    std::lock_guard lock(mutex_);
    if (end_is_due_) return;
    for (int index = 0; index < static_cast<int>(completions_.size()); ++index) {
      completions_[index].finish(reason);
      if (completions_[index].has_news()) add_output(index);
    }
    if (error) error_ = std::move(error);
    metrics_.finished_time = now;
    has_output_ = true;
    end_is_due_ = true;
  }
  wake_reader(true);
}

// An output follows the first token, every stream_interval tokens, and the end.
bool RequestState::is_due(const CompletionState& completion) const {
  if (all_completions_finished()) return true;
  if (output_kind_ == RequestOutputKind::kFinalOnly || !completion.has_news()) return false;
  if (prompt_logprobs_ && prompt_logprobs_->size() < prompt_token_ids_.size()) return false;
  return completion.finished() ||
         completion.num_unsent_tokens() == completion.num_output_tokens() ||
         completion.num_unsent_tokens() >= stream_interval_;
}

void RequestState::record_events(int index, const EngineCoreOutput& output, double now) {
  for (const RequestEvent& event : output.events) {
    if (event.kind != RequestEvent::Kind::kScheduled || metrics_.first_scheduled_time) continue;
    metrics_.first_scheduled_time = metrics_.arrival_time + (event.time - arrival_monotonic_time_);
  }
  num_preemptions_[index] = std::max(num_preemptions_[index], output.num_preemptions);
  if (output.num_new_tokens == 0) return;
  if (!metrics_.first_token_time) metrics_.first_token_time = now;
  // The other completions find the prompt of the first one in the cache.
  if (index == 0) num_cached_tokens_ = std::max(num_cached_tokens_, output.num_cached_tokens);
}

void RequestState::append_prompt_logprobs(const std::vector<TokenLogprobs>& logprobs) {
  if (!prompt_logprobs_) return;
  for (const TokenLogprobs& position : logprobs) {
    const auto preceding = std::span(prompt_token_ids_).first(prompt_logprobs_->size());
    prompt_logprobs_->push_back(make_position_logprobs(position, true, tokenizer_.get(), preceding)
    );
  }
}

bool RequestState::all_completions_finished() const {
  return std::all_of(completions_.begin(), completions_.end(), [](const CompletionState& c) {
    return c.finished();
  });
}

bool RequestState::ended() const {
  std::lock_guard lock(mutex_);
  return end_is_due_;
}

bool RequestState::finished() const {
  std::lock_guard lock(mutex_);
  return end_was_sent_;
}

std::optional<RequestOutput> RequestState::next() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return has_output_ || end_was_sent_; });
  if (end_was_sent_) return std::nullopt;
  return take_output();
}

std::optional<RequestOutput> RequestState::try_next() {
  std::lock_guard lock(mutex_);
  if (!has_output_ || end_was_sent_) return std::nullopt;
  return take_output();
}

RequestOutput RequestState::take_output() {
  RequestOutput out;
  out.request_id = request_id_;
  take_completions(out);
  has_output_ = pending_ && !pending_->empty();
  out.finished = !has_output_ && all_completions_finished();
  take_prompt(out);
  out.num_cached_tokens = num_cached_tokens_;
  out.metrics = metrics_;
  out.metrics.num_preemptions =
      std::accumulate(num_preemptions_.begin(), num_preemptions_.end(), 0);
  if (out.finished || holds_failure(out)) out.error = error_;
  end_was_sent_ = out.finished;
  return out;
}

void RequestState::take_completions(RequestOutput& out) {
  if (pending_) {
    const std::optional<OutputEnd> end = pending_->take();
    if (end) out.outputs.push_back(completions_[end->index].take_delta(*end));
    return;
  }
  for (CompletionState& completion : completions_) {
    if (output_kind_ != RequestOutputKind::kDelta) {
      out.outputs.push_back(completion.take_cumulative());
    } else if (completion.has_news()) {
      out.outputs.push_back(completion.take_delta());
    }
  }
}

// A delta stream carries the prompt once, in its first output.
void RequestState::take_prompt(RequestOutput& out) {
  if (output_kind_ == RequestOutputKind::kDelta && prompt_was_sent_) return;
  prompt_was_sent_ = true;
  out.prompt = prompt_;
  out.prompt_token_ids = prompt_token_ids_;
  out.prompt_logprobs = prompt_logprobs_;
}

}  // namespace quire
