#include "core/stop_check.h"

#include <algorithm>

namespace quire {
namespace {

bool ends_with_pattern(std::span<const int32_t> token_ids, size_t pattern_size, size_t count) {
  // A sequence repeats with a period if it equals itself moved by that period.
  const size_t moved_size = pattern_size * (count - 1);
  const auto tail = token_ids.last(pattern_size * count);
  return std::ranges::equal(tail.first(moved_size), tail.last(moved_size));
}

}  // namespace

bool has_repetition(std::span<const int32_t> token_ids, const RepetitionDetection& detection) {
  const size_t count = static_cast<size_t>(std::max(detection.min_count, 2));
  const int min_size = std::max(detection.min_pattern_size, 1);
  for (int size = min_size; size <= detection.max_pattern_size; ++size) {
    const size_t pattern_size = static_cast<size_t>(size);
    if (pattern_size * count > token_ids.size()) return false;
    if (ends_with_pattern(token_ids, pattern_size, count)) return true;
  }
  return false;
}

std::optional<RequestStatus> check_stop(Request& request, int max_model_len) {
  const SamplingParams& params = request.sampling_params;
  const int num_output_tokens = request.num_output_tokens();
  const bool is_model_full = request.num_tokens() >= max_model_len;
  if (num_output_tokens < params.min_tokens && !is_model_full) return std::nullopt;

  const int32_t last_token_id = request.token_ids.back();
  if (!params.ignore_eos && params.eos_token_id == last_token_id) {
    return RequestStatus::kFinishedStopped;
  }
  if (std::ranges::find(params.stop_token_ids, last_token_id) != params.stop_token_ids.end()) {
    request.stop_token_id = last_token_id;
    return RequestStatus::kFinishedStopped;
  }
  if (is_model_full || (params.max_tokens && num_output_tokens >= *params.max_tokens)) {
    return RequestStatus::kFinishedLengthCapped;
  }
  if (params.repetition_detection &&
      has_repetition(request.output_token_ids(), *params.repetition_detection)) {
    return RequestStatus::kFinishedRepetition;
  }
  return std::nullopt;
}

}  // namespace quire
