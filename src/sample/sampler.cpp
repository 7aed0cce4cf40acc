#include "sample/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "base/check.h"
#include "ops/sampling_rows.h"
#include "quire/error.h"
#include "quire/logits_processor.h"
#include "sample/candidates.h"
#include "sample/exponential_race.h"
#include "sample/logits_processors.h"
#include "sample/parallel_rows.h"
#include "sample/penalties.h"
#include "sample/random.h"

namespace quire {
namespace {

constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();
constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr const char* kNoTokenLeft =
    "After the logits processors every logit is -infinity or NaN, so no token is left: a processor "
    "must leave at least one.";

// Sampling state of one request.
struct Slot {
  bool in_use = false;
  bool greedy = false;
  float inverse_temperature = 1.0f;
  float min_p = 0.0f;
  double top_p = 1.0;
  int top_k = 0;  // 0: off
  uint64_t seed = 0;
  LogitsProcessors processors;
  std::shared_ptr<LogitsProcessor> custom;  // of the user's own; may throw
  Penalties penalties;
  std::optional<LogprobsRequest> logprobs;
};

// Buffers of one thread.
struct Scratch {
  std::span<float> reported;  // [vocab_size] values that logprobs are taken from
  std::span<Candidate> candidates;  // [vocab_size]
};

// The tokens that may be drawn: `some` of them, or all whose weight stands in the row.
struct Choice {
  bool all = false;
  std::span<Candidate> some;
};

// Sets the weights, and drops those below min_p.
std::span<Candidate> weigh(std::span<Candidate> candidates, const Weighing& weighing) {
  constexpr size_t kChunk = 256;
  std::array<float, kChunk> weights;
  for (size_t start = 0; start < candidates.size(); start += kChunk) {
    const auto chunk = candidates.subspan(start, std::min(kChunk, candidates.size() - start));
    std::ranges::transform(chunk, weights.begin(), &Candidate::logit);
    ops::weigh(std::span(weights).first(chunk.size()), weighing);
    for (size_t i = 0; i < chunk.size(); ++i)
      chunk[i].weight = weights[i];
  }
  const auto end = std::partition(candidates.begin(), candidates.end(), [](const Candidate& c) {
    return c.weight > 0.0f;
  });
  return candidates.first(static_cast<size_t>(end - candidates.begin()));
}

Choice choose_top_k(
    std::span<const float> logits, const Slot& slot, const Weighing& weighing, Scratch scratch
) {
  auto some = weigh(collect_top_k(logits, slot.top_k, kLowest, scratch.candidates), weighing);
  if (slot.top_p < 1.0) some = keep_top_p(some, total_weight(some), slot.top_p);
  return {.some = some};
}

// Tokens with a weight up to (1 - top_p) * total / vocab_size have at most 1 - top_p of the total
// together, so top_p drops all of them: only the others are looked at one by one.
Choice choose_top_p(
    std::span<const float> logits, const Slot& slot, const Weighing& weighing, Scratch scratch
) {
  const double total = ops::sum_weights(logits, weighing);
  const double share = (1.0 - slot.top_p) * total / static_cast<double>(logits.size());
  const double log_share = std::log(std::max(share, 1e-37)) - 1e-2;  // room for rounding
  const double floor = weighing.max + log_share / weighing.inverse_temperature;
  const auto some = weigh(
      collect_at_least(
          logits, static_cast<float>(std::max<double>(floor, kLowest)), scratch.candidates
      ),
      weighing
  );
  return {.some = keep_top_p(some, total, slot.top_p)};
}

// Many candidates are drawn faster as a whole row, which the result does not depend on.
Choice as_row(std::span<float> logits, std::span<const Candidate> some) {
  std::ranges::fill(logits, 0.0f);
  for (const Candidate& c : some)
    logits[c.token_id] = c.weight;
  return {.all = true};
}

Choice choose(
    std::span<float> logits, const Slot& slot, const Weighing& weighing, Scratch scratch
) {
  if (slot.top_k > 0 && static_cast<size_t>(slot.top_k) < logits.size()) {
    return choose_top_k(logits, slot, weighing, scratch);
  }
  if (slot.top_p < 1.0) return choose_top_p(logits, slot, weighing, scratch);
  ops::weigh(logits, weighing);
  return {.all = true};
}

// `values` [vocab_size]: the logits after masks and penalties become those of the tokens that may
// be drawn, divided by the temperature.
void keep_chosen(
    std::span<float> values, std::span<const float> weights, const Slot& slot, const Choice& choice
) {
  if (choice.all) {
    for (size_t i = 0; i < values.size(); ++i) {
      const bool stays = weights[i] > 0.0f || slot.min_p == 0.0f;
      values[i] = stays ? values[i] * slot.inverse_temperature : kNegativeInfinity;
    }
    return;
  }
  std::ranges::fill(values, kNegativeInfinity);
  for (const Candidate& c : choice.some)
    values[c.token_id] = c.logit * slot.inverse_temperature;
}

// nullopt: no token is left. With report_choice, scratch.reported loses what cannot be drawn.
std::optional<int32_t> draw(
    std::span<float> logits, const Slot& slot, DrawKey key, Scratch scratch, bool report_choice
) {
  constexpr size_t kFewCandidates = 32;  // of a row
  const Weighing weighing{
      .max = ops::row_max(logits),
      .inverse_temperature = slot.inverse_temperature,
      .min_weight = slot.min_p};
  if (std::isinf(weighing.max)) return ops::row_argmax(logits);
  Choice choice = choose(logits, slot, weighing, scratch);
  if (report_choice) keep_chosen(scratch.reported, logits, slot, choice);
  if (choice.some.size() > logits.size() / kFewCandidates) choice = as_row(logits, choice.some);
  return choice.all ? race(logits, key) : race(choice.some, key);
}

}  // namespace

struct Sampler::Impl {
  int vocab_size;
  LogprobsMode mode;
  uint64_t engine_seed;
  std::vector<Slot> slots;

  // Of the running call.
  std::span<const SamplingRow> rows;
  float* logits = nullptr;
  float* reported = nullptr;  // [num_threads, vocab_size]
  Candidate* candidates = nullptr;  // [num_threads, vocab_size]

  void begin(const Tensor& tensor, std::span<const SamplingRow> all_rows, SamplerOutput& output);
  void allocate_scratch(int num_threads, Arena& arena);
  Scratch scratch_of(int thread_idx) const;
  bool has_custom(int row_idx) const { return slots[rows[row_idx].slot].custom != nullptr; }
  void sample_plain_rows(const Stream& stream, SamplerOutput& output) const;
  void sample_custom_rows(SamplerOutput& output) const;
  void sample_into(SamplerOutput& output, int row_idx, Scratch scratch) const;
  int32_t sample_row(int row_idx, Scratch scratch, TokenLogprobs* logprobs) const;
};

Sampler::Sampler(int max_num_slots, int vocab_size, LogprobsMode mode, uint64_t engine_seed)
    : impl_(new Impl{.vocab_size = vocab_size, .mode = mode, .engine_seed = engine_seed}) {
  impl_->slots.resize(max_num_slots);
}

Sampler::~Sampler() = default;

size_t Sampler::workspace_bytes(int num_threads, int vocab_size) {
  const int64_t num_values = int64_t{num_threads} * vocab_size;
  return Arena::bytes_for(DType::kFloat32, num_values) +
         Arena::bytes_for(DType::kUInt8, num_values * static_cast<int64_t>(sizeof(Candidate)));
}

void Sampler::add_request(int slot_idx, uint64_t request_id, const SamplingParams& params) {
  Slot& slot = impl_->slots.at(slot_idx);
  QUIRE_CHECK(!slot.in_use, "slot {} of request {}", slot_idx, request_id);
  slot.in_use = true;
  slot.greedy = params.is_greedy();
  slot.inverse_temperature = slot.greedy ? 1.0f
                                         : std::max(
                                               static_cast<float>(1.0 / params.temperature),
                                               std::numeric_limits<float>::min()
                                           );
  slot.min_p = static_cast<float>(params.min_p);
  slot.top_p = params.top_p;
  slot.top_k = std::max(params.top_k, 0);
  slot.seed = params.seed ? static_cast<uint64_t>(*params.seed)
                          : derive_seed(impl_->engine_seed, request_id);
  slot.processors.reset(params);
  slot.custom = params.logits_processors.empty() ? nullptr : params.logits_processors.front();
  slot.penalties.reset(params);
  slot.logprobs = logprobs_request(params);
}

void Sampler::remove_request(int slot_idx) {
  Slot& slot = impl_->slots.at(slot_idx);
  slot.in_use = false;
  slot.custom.reset();
}

void Sampler::sample(
    const Stream& stream,
    const Tensor& logits,
    std::span<const SamplingRow> rows,
    Arena& arena,
    SamplerOutput& output
) {
  const Arena::Scope scope(arena);
  const int num_rows = static_cast<int>(rows.size());
  impl_->begin(logits, rows, output);
  impl_->allocate_scratch(num_row_threads(stream, num_rows), arena);
  impl_->sample_plain_rows(stream, output);
  impl_->sample_custom_rows(output);
}

void Sampler::Impl::sample_plain_rows(const Stream& stream, SamplerOutput& output) const {
  for_each_row(stream, static_cast<int>(rows.size()), [&](int row, int thread_idx) {
    if (!has_custom(row)) sample_into(output, row, scratch_of(thread_idx));
  });
}

// On this thread, because the user's code may throw. What it throws is a matter of its row alone.
void Sampler::Impl::sample_custom_rows(SamplerOutput& output) const {
  for (int row = 0; row < static_cast<int>(rows.size()); ++row) {
    if (!has_custom(row)) continue;
    try {
      sample_into(output, row, scratch_of(0));
    } catch (const std::exception& error) {
      output.token_ids[row] = slots[rows[row].slot].processors.last_resort();
      output.failures.push_back({row, error.what()});
    }
  }
}

void Sampler::Impl::sample_into(SamplerOutput& output, int row_idx, Scratch scratch) const {
  const std::span<const int> with_logprobs = output.logprob_rows;
  const auto place = std::ranges::lower_bound(with_logprobs, row_idx);
  const bool report = place != with_logprobs.end() && *place == row_idx;
  TokenLogprobs* logprobs = report ? &output.logprobs[place - with_logprobs.begin()] : nullptr;
  output.token_ids[row_idx] = sample_row(row_idx, scratch, logprobs);
}

// Everything that may allocate or throw: the threads do neither.
void Sampler::Impl::begin(
    const Tensor& tensor, std::span<const SamplingRow> all_rows, SamplerOutput& output
) {
  const auto num_rows = static_cast<int64_t>(all_rows.size());
  QUIRE_CHECK(
      tensor.dtype() == DType::kFloat32 && tensor.ndim() == 2 && tensor.is_contiguous() &&
          tensor.size(0) >= num_rows && tensor.size(1) == vocab_size,
      "logits {} for {} rows of {}",
      tensor.shape_string(),
      num_rows,
      vocab_size
  );
  rows = all_rows;
  logits = tensor.data<float>();
  output.token_ids.resize(all_rows.size());
  output.logprob_rows.clear();
  output.failures.clear();
  for (int i = 0; i < static_cast<int>(num_rows); ++i) {
    const SamplingRow& row = rows[i];
    Slot& slot = slots.at(row.slot);
    QUIRE_CHECK(slot.in_use, "slot {}", row.slot);
    if (slot.penalties.enabled()) {
      slot.penalties.update(row.token_ids, row.num_prompt_tokens, vocab_size);
    }
    if (slot.logprobs) output.logprob_rows.push_back(i);
  }
  output.logprobs.resize(output.logprob_rows.size());
  for (size_t i = 0; i < output.logprobs.size(); ++i) {
    const Slot& slot = slots[rows[output.logprob_rows[i]].slot];
    reserve_logprobs(*slot.logprobs, vocab_size, output.logprobs[i]);
  }
}

void Sampler::Impl::allocate_scratch(int num_threads, Arena& arena) {
  const int64_t num_values = int64_t{num_threads} * vocab_size;
  const auto num_bytes = num_values * static_cast<int64_t>(sizeof(Candidate));
  reported = arena.allocate(DType::kFloat32, {num_values}).data<float>();
  candidates = arena.allocate(DType::kUInt8, {num_bytes}).data<Candidate>();
}

Scratch Sampler::Impl::scratch_of(int thread_idx) const {
  const auto size = static_cast<size_t>(vocab_size);
  return {{reported + thread_idx * size, size}, {candidates + thread_idx * size, size}};
}

int32_t Sampler::Impl::sample_row(int row_idx, Scratch scratch, TokenLogprobs* logprobs) const {
  const SamplingRow& row = rows[row_idx];
  const Slot& slot = slots[row.slot];
  const auto size = static_cast<size_t>(vocab_size);
  const std::span<float> values(logits + row_idx * size, size);
  const bool report_raw = logprobs != nullptr && !is_processed(mode);
  const bool report_processed = logprobs != nullptr && is_processed(mode);

  if (report_raw) std::ranges::copy(values, scratch.reported.begin());
  const auto output_ids = row.token_ids.subspan(static_cast<size_t>(row.num_prompt_tokens));
  if (slot.processors.enabled()) slot.processors.apply(values, output_ids);
  if (slot.custom) {
    const auto prompt_ids = row.token_ids.first(static_cast<size_t>(row.num_prompt_tokens));
    slot.custom->apply(prompt_ids, output_ids, values);
  }
  if (slot.penalties.enabled()) slot.penalties.apply(values);
  if (report_processed) std::ranges::copy(values, scratch.reported.begin());

  std::optional<int32_t> drawn;
  if (slot.greedy) {
    drawn = ops::row_argmax(values);
  } else {
    const DrawKey key{.seed = slot.seed, .position = row.token_ids.size()};
    drawn = draw(values, slot, key, scratch, report_processed);
  }
  if (!drawn && slot.custom) throw InvalidArgument("logits_processors", kNoTokenLeft);
  const int32_t token_id = drawn.value_or(slot.processors.last_resort());
  if (logprobs != nullptr) {
    fill_logprobs(scratch.reported, token_id, *slot.logprobs, mode, scratch.candidates, *logprobs);
  }
  return token_id;
}

}  // namespace quire
