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
    targets_.emplace(state->core_ids()[i], Target{state, static_cast<int>(i)});
  }
  return state;
}

TokenCounts OutputProcessor::process(
    const EngineCoreOutputs& outputs, std::vector<RequestId>& to_abort
) {
  // The step's own time: this thread may have had to wait for a CPU.
  const double age = outputs.time > 0.0 ? monotonic_time() - outputs.time : 0.0;
  const double now = wall_time() - age;
  TokenCounts counts;
  find_targets(outputs);
  for (size_t i = 0; i < found_.size(); ++i) {
    if (!found_[i].state) continue;
    const EngineCoreOutput& output = outputs.outputs[i];
    counts += deliver(found_[i], output, outputs.new_token_ids(output), now, to_abort);
  }
  found_.clear();
  return counts;
}

// A request that cannot be served does no harm to the others of the step.
TokenCounts OutputProcessor::deliver(
    const Target& target,
    const EngineCoreOutput& output,
    std::span<const int32_t> new_token_ids,
    double now,
    std::vector<RequestId>& to_abort
) {
  try {
    // A reader that sees the end may use the request's id again.
    const auto forget = [&](const UpdateResult& result) {
      forget_completion(output.request_id, target, result.request_finished);
    };
    const UpdateResult result =
        target.state->update(target.index, output, new_token_ids, now, forget);
    if (result.engine_core_goes_on) to_abort.push_back(output.request_id);
    return {result.num_prompt_tokens, output.num_new_tokens};
  } catch (const std::exception& error) {
    QUIRE_LOG_ERROR("Request {} failed: {}", target.state->request_id(), error.what());
    const std::vector<RequestId> alive = forget_request(*target.state);
    to_abort.insert(to_abort.end(), alive.begin(), alive.end());
    target.state->finish(FinishReason::kError, error.what(), now);
    return {};
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

std::vector<RequestId> OutputProcessor::close(const std::optional<std::string>& error) {
  std::vector<RequestId> alive;
  std::unordered_map<std::string, std::shared_ptr<RequestState>> states;
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    close_error_ = error;
    states.swap(states_);
    for (const auto& [id, target] : targets_)
      alive.push_back(id);
    targets_.clear();
  }
  for (const auto& [id, state] : states) {
    state->finish(error ? FinishReason::kError : FinishReason::kAbort, error, wall_time());
  }
  return alive;
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
    found_.push_back(found == targets_.end() ? Target{} : found->second);
  }
}

void OutputProcessor::forget_completion(RequestId id, const Target& target, bool request_finished) {
  std::lock_guard lock(mutex_);
  const bool was_alive = targets_.erase(id) > 0;  // else it was aborted just now
  if (was_alive && request_finished) states_.erase(target.state->request_id());
}

std::vector<RequestId> OutputProcessor::forget_request(const RequestState& state) {
  std::vector<RequestId> alive;
  std::lock_guard lock(mutex_);
  for (const RequestId id : state.core_ids()) {
    if (targets_.erase(id) > 0) alive.push_back(id);
  }
  if (!alive.empty()) states_.erase(state.request_id());
  return alive;
}

}  // namespace quire
