#include "engine/request_stats.h"

#include <algorithm>

namespace quire {
namespace {

// Times of two threads: the difference may be a little below zero.
std::optional<double> between(std::optional<double> start, std::optional<double> end) {
  if (!start || !end) return std::nullopt;
  return std::max(*end - *start, 0.0);
}

}  // namespace

void RequestStats::observe(
    int index, const EngineCoreOutput& output, double time, IterationStats& stats
) {
  Completion& completion = completions_[static_cast<size_t>(index)];
  for (const RequestEvent& event : output.events) {
    using Kind = RequestEvent::Kind;
    if (event.kind == Kind::kQueued && !completion.queued) completion.queued = event.time;
    if (event.kind == Kind::kScheduled && !completion.scheduled) completion.scheduled = event.time;
  }
  if (output.num_new_tokens == 0) return;
  completion.num_generation_tokens += output.num_new_tokens;
  stats.num_generation_tokens += output.num_new_tokens;
  if (completion.first_token) {
    stats.add_inter_token_latency(time - completion.last_token);
  } else {
    completion.first_token = time;
    completion.num_cached_tokens = output.num_cached_tokens;
    stats.num_prompt_tokens += config_.num_prompt_tokens;
    stats.num_cached_tokens += output.num_cached_tokens;
    stats.times_to_first_token.push_back(*between(config_.arrival_time, time));
  }
  completion.last_token = time;
}

void RequestStats::observe_end(
    int index, FinishReason reason, bool request_finished, double time, IterationStats& stats
) {
  ++stats.num_finished[static_cast<size_t>(reason)];
  if (reason == FinishReason::kAbort) return;
  stats.finished_completions.push_back(
      finished_stats(completions_[static_cast<size_t>(index)], time)
  );
  if (!request_finished) return;
  const auto longest = std::max_element(
      completions_.begin(),
      completions_.end(),
      [](const Completion& a, const Completion& b) {
        return a.num_generation_tokens < b.num_generation_tokens;
      }
  );
  stats.finished_requests.push_back({config_.n, longest->num_generation_tokens});
}

FinishedCompletionStats RequestStats::finished_stats(const Completion& completion, double time)
    const {
  const auto last_token =
      completion.first_token ? std::optional(completion.last_token) : std::nullopt;
  return {
      .num_prompt_tokens = config_.num_prompt_tokens,
      .num_cached_tokens = completion.num_cached_tokens,
      .num_generation_tokens = completion.num_generation_tokens,
      .max_tokens = config_.max_tokens,
      .e2e_latency = *between(config_.arrival_time, time),
      .queued_time = between(completion.queued, completion.scheduled),
      .prefill_time = between(completion.scheduled, completion.first_token),
      .decode_time = between(completion.first_token, last_token),
      .inference_time = between(completion.scheduled, last_token),
  };
}

}  // namespace quire
