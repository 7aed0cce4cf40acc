#include "quire/sampling_params.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/env.h"
#include "base/log.h"
#include "base/utf8.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr double kMinTemperature = 0.01;  // lower ones overflow when logits are divided by them
constexpr size_t kMaxLogprobTokenIds = 128;
constexpr float kMaxLogitBias = 100.0f;

template <class... Args>
void require(
    bool condition, const char* field, fmt::format_string<const Args&...> text, const Args&... args
) {
  if (!condition) throw InvalidArgument(field, fmt::format(text, args...));
}

// Comparisons are written so that NaN fails them.
void check_counts(const SamplingParams& p) {
  require(p.n >= 1, "n", "n must be at least 1, got {}.", p.n);
  const int max_n = env::max_n_sequences();
  require(
      p.n <= max_n,
      "n",
      "n must be at most {}, got {}. To raise the limit, set the environment variable "
      "VLLM_MAX_N_SEQUENCES.",
      max_n,
      p.n
  );
  const int max_tokens = p.max_tokens.value_or(INT32_MAX);
  require(max_tokens >= 1, "max_tokens", "max_tokens must be at least 1, got {}.", max_tokens);
  require(
      p.min_tokens >= 0,
      "min_tokens",
      "min_tokens must be greater than or equal to 0, got {}.",
      p.min_tokens
  );
  require(
      p.min_tokens <= max_tokens,
      "min_tokens",
      "min_tokens must be less than or equal to max_tokens={}, got {}.",
      max_tokens,
      p.min_tokens
  );
}

void check_penalty(double value, const char* field) {
  require(-2.0 <= value && value <= 2.0, field, "{} must be in [-2, 2], got {}.", field, value);
}

void check_penalties(const SamplingParams& p) {
  check_penalty(p.presence_penalty, "presence_penalty");
  check_penalty(p.frequency_penalty, "frequency_penalty");
  const double repetition = p.repetition_penalty;
  const char* field = "repetition_penalty";
  require(
      std::isfinite(repetition), field, "{} must be a finite number, got {}.", field, repetition
  );
  require(repetition > 0.0, field, "{} must be greater than zero, got {}.", field, repetition);
  for (const auto& [token_id, bias] : p.logit_bias) {
    require(
        !std::isnan(bias), "logit_bias", "logit_bias of token id {} is not a number.", token_id
    );
  }
}

void check_distribution(const SamplingParams& p) {
  const double t = p.temperature;
  require(std::isfinite(t), "temperature", "temperature must be a finite number, got {}.", t);
  require(t >= 0.0, "temperature", "temperature must be non-negative, got {}.", t);
  require(0.0 < p.top_p && p.top_p <= 1.0, "top_p", "top_p must be in (0, 1], got {}.", p.top_p);
  require(p.top_k >= -1, "top_k", "top_k must be 0 (disable), or at least 1, got {}.", p.top_k);
  require(0.0 <= p.min_p && p.min_p <= 1.0, "min_p", "min_p must be in [0, 1], got {}.", p.min_p);
}

void check_num_logprobs(const std::optional<int>& value, const char* field) {
  const int number = value.value_or(0);
  require(number >= -1, field, "{} must be non-negative or -1, got {}.", field, number);
}

void check_logprobs(const SamplingParams& p) {
  check_num_logprobs(p.logprobs, "logprobs");
  check_num_logprobs(p.prompt_logprobs, "prompt_logprobs");
  require(
      !p.prompt_logprobs || p.skip_reading_prefix_cache.value_or(true),
      "skip_reading_prefix_cache",
      "prompt_logprobs needs the logits of every prompt token, which the prefix cache does not "
      "hold: leave skip_reading_prefix_cache out, or set it to true."
  );
  if (!p.logprob_token_ids) return;
  const size_t num_ids = p.logprob_token_ids->size();
  require(
      num_ids <= kMaxLogprobTokenIds,
      "logprob_token_ids",
      "Requested logprob_token_ids of length {}, which is greater than max allowed: {}",
      num_ids,
      kMaxLogprobTokenIds
  );
  require(
      !p.logprobs || static_cast<size_t>(*p.logprobs) == num_ids,
      "logprob_token_ids",
      "When both logprobs and logprob_token_ids are set, logprobs must equal the number of ids. "
      "Got logprobs={} and {} ids: leave logprobs out.",
      p.logprobs.value_or(0),
      num_ids
  );
}

bool has_empty(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](const auto& word) { return word.empty(); });
}

// Text is UTF-8, so other bytes would never be found in it.
void check_utf8(const std::vector<std::string>& words, const char* field) {
  for (const std::string& word : words) {
    require(
        !find_invalid_utf8(word),
        field,
        "{} has text that is not valid UTF-8 from byte {} on.",
        field,
        find_invalid_utf8(word).value_or(0)
    );
  }
}

void check_words(const SamplingParams& p) {
  check_utf8(p.stop, "stop");
  check_utf8(p.bad_words, "bad_words");
  require(!has_empty(p.stop), "stop", "stop cannot contain an empty string.");
  require(
      p.stop.empty() || p.detokenize,
      "stop",
      "stop strings are only supported when detokenize is True. Set detokenize=True to use stop."
  );
  require(!has_empty(p.bad_words), "bad_words", "bad_words cannot contain an empty string.");
  require(
      !p.allowed_token_ids || !p.allowed_token_ids->empty(),
      "allowed_token_ids",
      "allowed_token_ids is given but empty: name at least one id, or leave it out."
  );
}

void check_repetition_detection(const RepetitionDetection& detection) {
  const char* field = "repetition_detection";
  require(
      detection.min_pattern_size >= 0 && detection.min_pattern_size <= detection.max_pattern_size,
      field,
      "repetition_detection needs 0 <= min_pattern_size <= max_pattern_size, got {} and {}. Set "
      "max_pattern_size to 0 to turn it off.",
      detection.min_pattern_size,
      detection.max_pattern_size
  );
  require(
      detection.min_count >= 2,
      field,
      "min_count must be >= 2 to detect repetitive patterns, got {}. Set max_pattern_size to 0 to "
      "turn repetition_detection off.",
      detection.min_count
  );
}

void normalise_repetition_detection(std::optional<RepetitionDetection>& detection) {
  if (!detection) return;
  if (detection->max_pattern_size == 0 && detection->min_pattern_size <= 1) {
    detection.reset();
    return;
  }
  check_repetition_detection(*detection);
  detection->min_pattern_size = std::max(detection->min_pattern_size, 1);
}

// Keeps the first of equal values, in order.
template <class T>
void remove_duplicates(std::vector<T>& values) {
  auto end = values.begin();
  for (auto it = values.begin(); it != values.end(); ++it) {
    if (std::find(values.begin(), end, *it) != end) continue;
    if (end != it) *end = std::move(*it);
    ++end;
  }
  values.erase(end, values.end());
}

void raise_tiny_temperature(double& temperature) {
  if (!(temperature > 0.0 && temperature < kMinTemperature)) return;
  QUIRE_LOG_WARN(
      "temperature {} is less than {}, which may overflow: raised to {}. Use 0 for greedy "
      "sampling.",
      temperature,
      kMinTemperature,
      kMinTemperature
  );
  temperature = kMinTemperature;
}

}  // namespace

void SamplingParams::validate() {
  raise_tiny_temperature(temperature);
  if (seed == -1) seed.reset();
  check_counts(*this);
  check_penalties(*this);
  check_distribution(*this);
  check_logprobs(*this);
  check_words(*this);
  normalise_repetition_detection(repetition_detection);

  remove_duplicates(stop_token_ids);
  remove_duplicates(bad_words);
  for (auto& [token_id, bias] : logit_bias)
    bias = std::clamp(bias, -kMaxLogitBias, kMaxLogitBias);
  if (top_k == -1) top_k = 0;
  if (!is_greedy()) return;
  top_p = 1.0;
  top_k = 0;
  min_p = 0.0;
  require(n == 1, "n", "n must be 1 when using greedy sampling, got {}.", n);
}

}  // namespace quire
