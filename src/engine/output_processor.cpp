#include "engine/output_processor.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "quire/error.h"

namespace quire {

OutputProcessor::OutputProcessor(std::shared_ptr<const Tokenizer> tokenizer, int stream_interval)
    : tokenizer_(std::move(tokenizer)), stream_interval_(stream_interval) {}

std::shared_ptr<RequestState> OutputProcessor::add(
    std::string request_id, ProcessedInput& input, const AddRequestOptions& options
) {
  auto state =
      std::make_shared<RequestState>(request_id, input, tokenizer_, stream_interval_, options);
  std::lock_guard lock(mutex_);
  if (is_closed_) {
    throw InternalError(
        close_error_ ? "The engine is dead: " + *close_error_ : "The engine was shut down."
    );
  }
  const auto [place, is_new] = states_.try_emplace(std::move(request_id), state);
  if (!is_new) {
    throw InvalidArgument(
        "request_id",
        fmt::format("Request id {} is already running: use another one.", place->first)
    );
  }
  for (size_t i = 0; i < state->core_ids().size(); ++i) {
    const int num_tokens = input.requests[i]->num_prompt_tokens;
    targets_.emplace(state->core_ids()[i], Target{state, static_cast<int>(i), num_tokens});
    num_pending_prompt_tokens_ += num_tokens;
  }
  return state;
}

const IterationStats& OutputProcessor::process(
    EngineCoreOutputs& outputs, std::vector<RequestId>& to_abort
) {
  // The step's own time: this thread may have had to wait for a CPU.
  const double now = monotonic_time();
  StepTime time{.wall = wall_time(), .monotonic = now};
  if (outputs.time > 0.0)
    time = {.wall = time.wall - (now - outputs.time), .monotonic = outputs.time};
  stats_.clear();
  std::swap(stats_.kv_cache_evictions, outputs.kv_cache_evictions);
  find_targets(outputs);
  for (size_t i = 0; i < found_.size(); ++i) {
    if (!found_[i].state) continue;
    const EngineCoreOutput& output = outputs.outputs[i];
    deliver(found_[i], output, outputs.new_token_ids(output), time, to_abort);
  }
  found_.clear();
  return stats_;
}

// A request that cannot be served does no harm to the others of the step.
void OutputProcessor::deliver(
    const Target& target,
    const EngineCoreOutput& output,
    std::span<const int32_t> new_token_ids,
    const StepTime& time,
    std::vector<RequestId>& to_abort
) {
  RequestState& state = *target.state;
  try {
    // A reader that sees the end may use the request's id again, and look at the metrics.
    const auto forget = [&](const UpdateResult& result) {
      // An abort that came first has counted the end.
      if (!forget_completion(output.request_id, target, result.request_finished)) return;
      state.stats().observe_end(
          target.index, *result.finish_reason, result.request_finished, time.monotonic, stats_
      );
    };
    state.stats().observe(target.index, output, time.monotonic, stats_);
    const UpdateResult result =
        state.update(target.index, output, new_token_ids, time.wall, forget);
    if (result.engine_core_goes_on) to_abort.push_back(output.request_id);
  } catch (const std::exception& error) {
    QUIRE_LOG_ERROR("Request {} failed: {}", state.request_id(), error.what());
    const std::vector<RequestId> alive = forget_request(state);
    to_abort.insert(to_abort.end(), alive.begin(), alive.end());
    stats_.num_finished[static_cast<size_t>(FinishReason::kError)] +=
        static_cast<int64_t>(alive.size());
    state.finish(FinishReason::kError, error.what(), time.wall);
  }
}

std::vector<RequestId> OutputProcessor::abort(const std::string& request_id) {
  std::shared_ptr<RequestState> state;
  {
    std::lock_guard lock(mutex_);
    const auto found = states_.find(request_id);
    if (found == states_.end()) return {};
    state = found->second;
  }
  return abort(*state);
}

std::vector<RequestId> OutputProcessor::abort(RequestState& state) {
  std::vector<RequestId> ids = forget_request(state);
  state.finish(FinishReason::kAbort, std::nullopt, wall_time());
  return ids;
}

std::vector<RequestId> OutputProcessor::abort_all(const std::optional<std::string>& error) {
  std::vector<RequestId> alive;
  std::unordered_map<std::string, std::shared_ptr<RequestState>> states;
  {
    std::lock_guard lock(mutex_);
    alive = forget_all(states);
  }
  for (const auto& [id, state] : states) {
    state->finish(error ? FinishReason::kError : FinishReason::kAbort, error, wall_time());
  }
  return alive;
}

std::vector<RequestId> OutputProcessor::close(const std::optional<std::string>& error) {
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    close_error_ = error;
  }
  return abort_all(error);
}

OutputProcessor::Load OutputProcessor::load() const {
  std::lock_guard lock(mutex_);
  return {
      .num_unfinished = static_cast<int>(targets_.size()),
      .num_pending_prompt_tokens = num_pending_prompt_tokens_,
  };
}

// Needs the lock. The ids that were alive.
std::vector<RequestId> OutputProcessor::forget_all(
    std::unordered_map<std::string, std::shared_ptr<RequestState>>& states
) {
  std::vector<RequestId> alive;
  states.swap(states_);
  for (const auto& [id, target] : targets_)
    alive.push_back(id);
  targets_.clear();
  num_pending_prompt_tokens_ = 0;
  return alive;
}

// Needs the lock.
void OutputProcessor::erase_target(std::unordered_map<RequestId, Target>::iterator place) {
  num_pending_prompt_tokens_ -= place->second.num_pending_prompt_tokens;
  targets_.erase(place);
}

std::optional<std::string> OutputProcessor::close_error() const {
  std::lock_guard lock(mutex_);
  return close_error_;
}

// With one lock for the whole step.
void OutputProcessor::find_targets(const EngineCoreOutputs& outputs) {
  std::lock_guard lock(mutex_);
  for (const EngineCoreOutput& output : outputs.outputs) {
    const auto found = targets_.find(output.request_id);
    if (found == targets_.end()) {
      found_.emplace_back();
      continue;
    }
    if (output.num_new_tokens > 0) {
      num_pending_prompt_tokens_ -= std::exchange(found->second.num_pending_prompt_tokens, 0);
    }
    found_.push_back(found->second);
  }
}

bool OutputProcessor::forget_completion(RequestId id, const Target& target, bool request_finished) {
  std::lock_guard lock(mutex_);
  const auto place = targets_.find(id);
  if (place == targets_.end()) return false;
  erase_target(place);
  if (request_finished) states_.erase(target.state->request_id());
  return true;
}

std::vector<RequestId> OutputProcessor::forget_request(const RequestState& state) {
  std::vector<RequestId> alive;
  std::lock_guard lock(mutex_);
  for (const RequestId id : state.core_ids()) {
    const auto place = targets_.find(id);
    if (place == targets_.end()) continue;
    erase_target(place);
    alive.push_back(id);
  }
  if (!alive.empty()) states_.erase(state.request_id());
  return alive;
}

}  // namespace quire
