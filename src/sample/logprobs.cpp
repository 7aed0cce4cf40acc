#include "sample/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "ops/sampling_rows.h"
#include "sample/parallel_rows.h"

namespace quire {
namespace {

size_t num_top(const LogprobsRequest& request, size_t vocab_size) {
  if (request.num_top < 0) return vocab_size;
  return std::min(static_cast<size_t>(request.num_top), vocab_size);
}

// log of the sum of e^logit: logprob = logit - this. Infinite when the logits are no distribution.
double log_normaliser(std::span<const float> logits) {
  const float max = ops::row_max(logits);
  if (std::isinf(max)) return max;
  return max + std::log(ops::sum_weights(logits, {.max = max}));
}

void append(TokenLogprobs& out, int32_t token_id, float logit, double normaliser) {
  const double value = logit - normaliser;
  out.token_ids.push_back(token_id);
  out.logprobs.push_back(
      std::isnan(value) ? -std::numeric_limits<float>::infinity() : static_cast<float>(value)
  );
}

std::span<Candidate> sorted_top(
    std::span<const float> logits, size_t k, std::span<Candidate> scratch
) {
  if (k == 0) return {};
  const float floor = -std::numeric_limits<float>::infinity();
  const auto top = collect_top_k(logits, static_cast<int>(k), floor, scratch);
  std::sort(top.begin(), top.end(), [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token_id < b.token_id;
  });
  return top.first(std::min(k, top.size()));
}

// Bytes of a candidate per value of a row, for every thread.
int64_t scratch_size(int num_threads, int64_t vocab_size) {
  return num_threads * vocab_size * static_cast<int64_t>(sizeof(Candidate));
}

}  // namespace

std::optional<LogprobsMode> parse_logprobs_mode(std::string_view name) {
  if (name == "raw_logprobs") return LogprobsMode::kRawLogprobs;
  if (name == "processed_logprobs") return LogprobsMode::kProcessedLogprobs;
  if (name == "raw_logits") return LogprobsMode::kRawLogits;
  if (name == "processed_logits") return LogprobsMode::kProcessedLogits;
  return std::nullopt;
}

std::optional<LogprobsRequest> logprobs_request(const SamplingParams& params) {
  if (!params.logprobs && !params.logprob_token_ids) return std::nullopt;
  return LogprobsRequest{
      .num_top = params.logprobs.value_or(0),
      .token_ids = params.logprob_token_ids.value_or(std::vector<int32_t>{}),
  };
}

void reserve_logprobs(const LogprobsRequest& request, int vocab_size, TokenLogprobs& out) {
  const size_t num_others = request.token_ids.empty()
                                ? num_top(request, static_cast<size_t>(vocab_size))
                                : request.token_ids.size();
  out.token_ids.reserve(1 + num_others);
  out.logprobs.reserve(1 + num_others);
}

void fill_logprobs(
    std::span<const float> logits,
    int32_t token_id,
    const LogprobsRequest& request,
    LogprobsMode mode,
    std::span<Candidate> scratch,
    TokenLogprobs& out
) {
  const double normaliser = is_logits(mode) ? 0.0 : log_normaliser(logits);
  out.token_ids.clear();
  out.logprobs.clear();
  append(out, token_id, logits[token_id], normaliser);
  out.rank =
      static_cast<int32_t>(std::max<int64_t>(1, ops::count_at_least(logits, logits[token_id])));
  for (const int32_t id : request.token_ids)
    append(out, id, logits[id], normaliser);
  if (!request.token_ids.empty()) return;
  for (const Candidate& c : sorted_top(logits, num_top(request, logits.size()), scratch)) {
    append(out, c.token_id, c.logit, normaliser);
  }
}

size_t prompt_logprobs_workspace_bytes(int num_threads, int vocab_size) {
  return Arena::bytes_for(DType::kUInt8, scratch_size(num_threads, vocab_size));
}

void gather_prompt_logprobs(
    const Stream& stream,
    const Tensor& logits,
    std::span<const int32_t> token_ids,
    int num_logprobs,
    LogprobsMode mode,
    Arena& arena,
    std::vector<TokenLogprobs>& out
) {
  const auto num_rows = static_cast<int>(token_ids.size());
  const auto vocab_size = static_cast<size_t>(logits.size(1));
  QUIRE_CHECK(logits.size(0) == num_rows, "{} for {} rows", logits.shape_string(), num_rows);
  const LogprobsRequest request{.num_top = num_logprobs, .token_ids = {}};
  const Arena::Scope scope(arena);
  const int num_threads = num_row_threads(stream, num_rows);
  auto* const candidates =
      arena.allocate(DType::kUInt8, {scratch_size(num_threads, logits.size(1))}).data<Candidate>();
  const size_t first = out.size();
  out.resize(first + token_ids.size());
  for (size_t i = first; i < out.size(); ++i)
    reserve_logprobs(request, static_cast<int>(vocab_size), out[i]);
  for_each_row(stream, num_rows, [&](int row, int thread_idx) {
    const std::span<const float> values(logits.rows(row, 1).data<const float>(), vocab_size);
    const std::span scratch(candidates + thread_idx * vocab_size, vocab_size);
    fill_logprobs(values, token_ids[row], request, mode, scratch, out[first + row]);
  });
}

}  // namespace quire
