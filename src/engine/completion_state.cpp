#include "engine/completion_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "engine/position_logprobs.h"

namespace quire {
namespace {

// Room that an output gets with its first token, so that later steps need not allocate.
constexpr int kMaxReservedTokens = 1024;
constexpr size_t kReservedBytesPerToken = 8;

}  // namespace

CompletionState::CompletionState(
    int index,
    const SamplingParams& params,
    std::shared_ptr<const Tokenizer> tokenizer,
    std::span<const int32_t> prompt_token_ids
)
    : index_(index),
      tokenizer_(std::move(tokenizer)),
      stop_strings_(params.stop, params.include_stop_str_in_output),
      includes_stop_token_(params.include_stop_str_in_output),
      min_tokens_(params.min_tokens),
      has_rank_order_(!params.logprob_token_ids),
      num_reserved_tokens_(std::min(params.max_tokens.value_or(0), kMaxReservedTokens)) {
  if (tokenizer_ && params.detokenize) {
    detokenizer_ = std::make_unique<IncrementalDetokenizer>(
        tokenizer_,
        prompt_token_ids,
        params.skip_special_tokens,
        params.spaces_between_special_tokens
    );
  }
  if (params.logprobs || params.logprob_token_ids) {
    cumulative_logprob_ = 0.0;
    logprobs_.emplace();
  }
}

bool CompletionState::update(
    const EngineCoreOutput& output, std::span<const int32_t> new_token_ids
) {
  if (finished()) return false;
  const bool hit_stop_string =
      append_tokens(new_token_ids, output.finish_reason == FinishReason::kStop);
  if (logprobs_) append_logprobs(output.new_logprobs);
  if (hit_stop_string) {
    finish_reason_ = FinishReason::kStop;
    release_spare();
    return !output.finish_reason;
  }
  if (output.finish_reason) {
    if (output.stop_token_id) stop_reason_ = *output.stop_token_id;
    finish(*output.finish_reason);
  }
  return false;
}

// True: the text has a stop string, and was cut there.
bool CompletionState::append_tokens(
    std::span<const int32_t> new_token_ids, bool last_is_stop_token
) {
  if (token_ids_.empty()) reserve();
  size_t searched = text_.size();
  for (size_t i = 0; i < new_token_ids.size(); ++i) {
    token_ids_.push_back(new_token_ids[i]);
    const bool is_hidden =
        last_is_stop_token && !includes_stop_token_ && i + 1 == new_token_ids.size();
    if (detokenizer_ && !is_hidden) detokenizer_->append(new_token_ids[i], text_);
    if (num_output_tokens() <= min_tokens_) searched = text_.size();
  }
  if (stop_strings_.empty()) return false;
  const auto match = stop_strings_.find(text_, searched);
  if (!match) return false;
  text_.resize(match->text_length);
  stop_reason_ = match->stop;
  return true;
}

void CompletionState::reserve() {
  token_ids_.reserve(num_reserved_tokens_);
  if (detokenizer_) text_.reserve(num_reserved_tokens_ * kReservedBytesPerToken);
}

// Follows append_tokens: the entries belong to the last tokens.
void CompletionState::append_logprobs(const std::vector<TokenLogprobs>& logprobs) {
  const size_t first = token_ids_.size() - logprobs.size();
  for (size_t i = 0; i < logprobs.size(); ++i) {
    const auto preceding = std::span(token_ids_).first(first + i);
    *cumulative_logprob_ += logprobs[i].logprobs.front();
    logprobs_->push_back(
        make_position_logprobs(logprobs[i], has_rank_order_, tokenizer_.get(), preceding)
    );
  }
}

void CompletionState::finish(FinishReason reason) noexcept {
  if (finished()) return;
  finish_reason_ = reason;
  if (detokenizer_) finish_text();
  release_spare();
}

void CompletionState::finish_text() noexcept {
  const size_t num_whole_bytes = text_.size();
  try {
    detokenizer_->finish(text_);
  } catch (const std::exception& error) {
    text_.resize(num_whole_bytes);
    QUIRE_LOG_WARN("The last tokens of a completion have no text: {}", error.what());
  }
}

// The reader may be long in coming.
void CompletionState::release_spare() noexcept {
  text_.shrink_to_fit();
  token_ids_.shrink_to_fit();
}

CompletionOutput CompletionState::take_cumulative() {
  CompletionOutput out = make_output(close_output());
  out.text = text_.substr(0, showable_text_bytes());
  out.token_ids = token_ids_;
  out.logprobs = logprobs_;
  return out;
}

OutputEnd CompletionState::close_output() {
  closed_.index = index_;
  closed_.num_tokens = num_output_tokens();
  closed_.num_text_bytes = std::max(showable_text_bytes(), closed_.num_text_bytes);
  closed_.cumulative_logprob = cumulative_logprob_;
  closed_.is_last = finished();
  return closed_;
}

CompletionOutput CompletionState::take_delta(const OutputEnd& end) {
  CompletionOutput out = make_output(end);
  out.text = text_.substr(num_sent_text_bytes_, end.num_text_bytes - num_sent_text_bytes_);
  out.token_ids.assign(token_ids_.begin() + num_sent_tokens_, token_ids_.begin() + end.num_tokens);
  if (logprobs_) out.logprobs = take_logprobs(out.token_ids.size());
  num_sent_text_bytes_ = end.num_text_bytes;
  num_sent_tokens_ = end.num_tokens;
  return out;
}

std::vector<PositionLogprobs> CompletionState::take_logprobs(size_t num_tokens) {
  if (num_tokens >= logprobs_->size()) return std::exchange(*logprobs_, {});
  const auto end = logprobs_->begin() + static_cast<ptrdiff_t>(num_tokens);
  std::vector<PositionLogprobs> taken(
      std::make_move_iterator(logprobs_->begin()), std::make_move_iterator(end)
  );
  logprobs_->erase(logprobs_->begin(), end);
  return taken;
}

// What both kinds share.
CompletionOutput CompletionState::make_output(const OutputEnd& end) const {
  CompletionOutput out;
  out.index = index_;
  out.cumulative_logprob = end.cumulative_logprob;
  if (!end.is_last) return out;
  out.finish_reason = finish_reason_;
  out.stop_reason = stop_reason_;
  return out;
}

size_t CompletionState::showable_text_bytes() const {
  return finished() ? text_.size() : text_.size() - stop_strings_.held_back_bytes(text_);
}

}  // namespace quire
