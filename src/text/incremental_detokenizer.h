#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "quire/tokenizer.h"

namespace quire {

// Turns token ids into text as they come. All increments together are what decode() gives for the
// prompt and the output, less the prompt's text. An increment never ends inside a character, and
// a character is held back only until its last byte or the first wrong byte is there.
// One per output sequence; not thread-safe.
class IncrementalDetokenizer {
 public:
  // The prompt decides whether the output's first token keeps its space, and completes a character
  // that the prompt began. `spaces_between_special_tokens` as in SamplingParams: if false, and
  // special tokens are not skipped, the space that some decoders put before an added token is left
  // out between two of them.
  IncrementalDetokenizer(
      std::shared_ptr<const Tokenizer> tokenizer,
      std::span<const int32_t> prompt_ids,
      bool skip_special_tokens,
      bool spaces_between_special_tokens
  );

  // Appends to `out` the text that became final with token `id`. No allocation but for the growth
  // of `out`.
  void append(int32_t id, std::string& out);

  // Appends what is held back: U+FFFD for an incomplete character. Call once, after the last token.
  void finish(std::string& out);

 private:
  void append_lossy_bytes(std::string_view bytes, std::string& out);
  void append_fallback_byte(char byte, std::string& out);
  void append_text(std::string_view text, std::string& out);
  void end_fallback_run(std::string& out);
  void append_by_decoding(int32_t id, std::string& out);
  bool is_dropped(int32_t id) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  bool skip_special_tokens_;
  bool spaces_between_special_tokens_;
  bool is_first_ = true;  // no token has been decoded yet
  bool last_was_added_ = false;
  bool fallback_run_is_broken_ = false;
  int num_to_strip_ = 0;  // characters still to be cut off the front of the whole text
  int num_pending_ = 0;
  char pending_[4] = {};  // an incomplete character
  // Decoders without a table (general): the window of ids, and how many of them have been printed.
  std::vector<int32_t> window_;
  size_t num_printed_ = 0;
};

}  // namespace quire
