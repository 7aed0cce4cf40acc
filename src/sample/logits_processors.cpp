#include "sample/logits_processors.h"

#include <algorithm>
#include <limits>

namespace quire {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

// True when `output_ids` ends with all of `word` but its last token.
bool completes(std::span<const int32_t> word, std::span<const int32_t> output_ids) {
  const auto head = word.first(word.size() - 1);
  if (head.size() > output_ids.size()) return false;
  return std::ranges::equal(head, output_ids.last(head.size()));
}

}  // namespace

void LogitsProcessors::reset(const SamplingParams& params) {
  allowed_ids_.clear();
  if (params.allowed_token_ids) {
    allowed_ids_ = *params.allowed_token_ids;
    std::ranges::sort(allowed_ids_);
    const auto repeated = std::unique(allowed_ids_.begin(), allowed_ids_.end());
    allowed_ids_.erase(repeated, allowed_ids_.end());
  }
  bad_words_ = params.bad_words_token_ids;
  std::erase_if(bad_words_, [](const auto& word) { return word.empty(); });
  min_tokens_ = static_cast<size_t>(std::max(params.min_tokens, 0));
  end_ids_.clear();
  if (min_tokens_ > 0) {
    end_ids_ = params.stop_token_ids;
    if (params.eos_token_id) end_ids_.push_back(*params.eos_token_id);
  }
  bias_.assign(params.logit_bias.begin(), params.logit_bias.end());
  enabled_ = !allowed_ids_.empty() || !bad_words_.empty() || !end_ids_.empty() || !bias_.empty();
}

void LogitsProcessors::apply(std::span<float> logits, std::span<const int32_t> output_ids) const {
  if (!allowed_ids_.empty()) keep_allowed(logits);
  ban_bad_words(logits, output_ids);
  if (output_ids.size() < min_tokens_) {
    for (const int32_t id : end_ids_)
      logits[id] = kBanned;
  }
  for (const auto& [id, bias] : bias_)
    logits[id] += bias;
}

// Bans the gaps between the allowed ids.
void LogitsProcessors::keep_allowed(std::span<float> logits) const {
  auto gap = logits.begin();
  for (const int32_t id : allowed_ids_) {
    std::fill(gap, logits.begin() + id, kBanned);
    gap = logits.begin() + id + 1;
  }
  std::fill(gap, logits.end(), kBanned);
}

void LogitsProcessors::ban_bad_words(std::span<float> logits, std::span<const int32_t> output_ids)
    const {
  for (const auto& word : bad_words_) {
    if (completes(word, output_ids)) logits[word.back()] = kBanned;
  }
}

}  // namespace quire
