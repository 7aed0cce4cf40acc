#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/scheduler_interface.h"
#include "engine/stop_strings.h"
#include "quire/request_output.h"
#include "quire/sampling_params.h"
#include "quire/tokenizer.h"
#include "text/incremental_detokenizer.h"

namespace quire {

// Where an output of a completion ends.
struct OutputEnd {
  int index = 0;  // which completion
  int num_tokens = 0;
  size_t num_text_bytes = 0;
  std::optional<double> cumulative_logprob;
  bool is_last = false;
};

// One completion as it grows: tokens become text, stop strings end it, and what has not been handed
// out yet is known. Not thread-safe.
class CompletionState {
 public:
  CompletionState(
      int index,
      const SamplingParams& params,
      std::shared_ptr<const Tokenizer> tokenizer,  // nullptr: no text
      std::span<const int32_t> prompt_token_ids
  );

  // Takes what a step did. True: a stop string ended it while the engine core goes on.
  [[nodiscard]] bool update(const EngineCoreOutput& output, std::span<const int32_t> new_token_ids);
  // Ends it from outside. Nothing happens if it has ended already. A tail that cannot be decoded is
  // left out of the text.
  void finish(FinishReason reason) noexcept;

  bool finished() const { return finish_reason_.has_value(); }
  std::optional<FinishReason> finish_reason() const { return finish_reason_; }
  int num_output_tokens() const { return static_cast<int>(token_ids_.size()); }
  int num_unsent_tokens() const { return num_output_tokens() - closed_.num_tokens; }
  // Something that is in no output yet: tokens, or the end.
  bool has_news() const { return num_unsent_tokens() > 0 || (finished() && !closed_.is_last); }

  // Everything so far.
  CompletionOutput take_cumulative();
  // What came since the last take. Use one kind of take only.
  CompletionOutput take_delta() { return take_delta(close_output()); }
  // The same in two parts, of which the second may come later: the first says where the output
  // ends.
  OutputEnd close_output();
  CompletionOutput take_delta(const OutputEnd& end);

 private:
  void reserve();
  bool append_tokens(std::span<const int32_t> new_token_ids, bool last_is_stop_token);
  void append_logprobs(const std::vector<TokenLogprobs>& logprobs);
  void finish_text() noexcept;
  void release_spare() noexcept;
  CompletionOutput make_output(const OutputEnd& end) const;
  std::vector<PositionLogprobs> take_logprobs(size_t num_tokens);
  size_t showable_text_bytes() const;

  int index_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<IncrementalDetokenizer> detokenizer_;  // nullptr: no text
  StopStrings stop_strings_;
  bool includes_stop_token_;
  int min_tokens_;
  bool has_rank_order_;
  size_t num_reserved_tokens_;

  std::string text_;
  std::vector<int32_t> token_ids_;
  std::optional<double> cumulative_logprob_;
  std::optional<std::vector<PositionLogprobs>> logprobs_;  // take_delta takes from its beginning
  std::optional<FinishReason> finish_reason_;
  std::variant<std::monostate, int32_t, std::string> stop_reason_;

  OutputEnd closed_;  // of the newest output
  int num_sent_tokens_ = 0;  // by take_delta, like the next
  size_t num_sent_text_bytes_ = 0;
};

}  // namespace quire
