#include "apps/run_stats.h"

#include <fmt/format.h>

#include "base/clock.h"

namespace quire::cli {
namespace {

int64_t count_output_tokens(const RequestOutput& output) {
  int64_t number = 0;
  for (const CompletionOutput& completion : output.outputs) {
    number += static_cast<int64_t>(completion.token_ids.size());
  }
  return number;
}

double ratio(double part, double whole) {
  return whole > 0.0 ? part / whole : 0.0;
}

}  // namespace

std::string describe_request(const RequestOutput& output) {
  const int64_t num_tokens = count_output_tokens(output);
  std::string text = fmt::format(
      "{} prompt tokens, {} cached; {} tokens",
      output.prompt_token_ids.size(),
      output.num_cached_tokens,
      num_tokens
  );
  const RequestMetrics& metrics = output.metrics;
  if (!metrics.first_token_time || !metrics.finished_time) return text;
  text +=
      fmt::format("; first token after {:.3f} s", *metrics.first_token_time - metrics.arrival_time);
  const double decode_time = *metrics.finished_time - *metrics.first_token_time;
  const auto num_decoded =
      num_tokens - static_cast<int64_t>(output.outputs.size());  // all but the first ones
  if (num_decoded > 0 && decode_time > 0.0) {
    text += fmt::format(", then {:.1f} tokens/s", static_cast<double>(num_decoded) / decode_time);
  }
  return text;
}

void gather_stream(RequestOutput& whole, RequestOutput part) {
  const bool is_first = whole.prompt_token_ids.empty();
  if (is_first) {
    whole = std::move(part);
    return;
  }
  for (const CompletionOutput& completion : part.outputs) {
    auto& ids = whole.outputs.front().token_ids;
    ids.insert(ids.end(), completion.token_ids.begin(), completion.token_ids.end());
  }
  whole.metrics = part.metrics;
  whole.error = std::move(part.error);
}

RunStats::RunStats() : start_time_(monotonic_time()) {}

void RunStats::add(const RequestOutput& output) {
  ++num_requests_;
  num_prompt_tokens_ += static_cast<int64_t>(output.prompt_token_ids.size());
  num_cached_tokens_ += output.num_cached_tokens;
  num_output_tokens_ += count_output_tokens(output);
}

std::string RunStats::summary(const EngineStats& engine) const {
  const double seconds = monotonic_time() - start_time_;
  return fmt::format(
      "{} requests, {} tokens in {:.2f} s: {:.1f} tokens/s. Prompts: {} tokens, {} from the prefix "
      "cache (hit rate {:.0f} %). {} steps, mean batch {:.1f} requests, {} preemptions.",
      num_requests_,
      num_output_tokens_,
      seconds,
      ratio(static_cast<double>(num_output_tokens_), seconds),
      num_prompt_tokens_,
      num_cached_tokens_,
      100.0 * ratio(
                  static_cast<double>(engine.prefix_cache_hits),
                  static_cast<double>(engine.prefix_cache_queries)
              ),
      engine.num_steps,
      ratio(static_cast<double>(engine.num_scheduled_reqs), static_cast<double>(engine.num_steps)),
      engine.num_preemptions
  );
}

}  // namespace quire::cli
