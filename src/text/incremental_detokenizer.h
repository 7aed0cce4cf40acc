#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "quire/tokenizer.h"
#include "text/utf8_stream.h"

namespace quire {

// Turns token ids into text as they come. An increment never ends inside a character; a character
// is held back only until its last byte or the first wrong byte is there. All increments together
// are decode(prompt + output) less the prompt's text, with one difference: where a run of byte
// tokens (<0xE2> …) has wrong bytes after good characters, decode() gives U+FFFD for the good ones
// too, which have been handed out here.
// One per output sequence; not thread-safe.
class IncrementalDetokenizer {
 public:
  // The prompt decides whether the output's first token keeps its space, and may have begun a
  // character. `spaces_between_special_tokens` as in SamplingParams: if false, the space that some
  // decoders put before a token is left out between two added tokens. It is without effect if
  // `skip_special_tokens`.
  IncrementalDetokenizer(
      std::shared_ptr<const Tokenizer> tokenizer,
      std::span<const int32_t> prompt_ids,
      bool skip_special_tokens,
      bool spaces_between_special_tokens
  );

  // Appends to `out` the text that became final with token `id`; ids without a token have no text.
  // Constant time, and no allocation but for the growth of `out`.
  void append(int32_t id, std::string& out);

  // Appends what is held back: U+FFFD for an incomplete character. Call once, after the last token.
  void finish(std::string& out);

 private:
  void prime(std::span<const int32_t> prompt_ids);
  void append_token(int32_t id, std::string& out);
  void append_text(std::string_view text, std::string& out);
  void append_fallback_byte(char byte, std::string& out);
  void end_fallback_run(std::string& out);
  void append_by_decoding(int32_t id, std::string& out);

  std::shared_ptr<const Tokenizer> tokenizer_;
  const TokenTable& table_;
  bool skip_special_tokens_;
  bool spaces_between_added_tokens_;

  bool is_first_ = true;  // no token has been decoded yet
  bool last_was_added_ = false;
  int num_to_strip_;  // characters that may still go off the front of the whole text

  LossyUtf8Stream bytes_;  // TokenTable::Kind::kBytes
  Utf8Sequence fallback_bytes_;  // kText: the end of a run of byte tokens
  bool fallback_run_is_broken_ = false;

  // kGeneral: the last ids, and how many of them have been printed.
  std::vector<int32_t> window_;
  size_t num_printed_ = 0;
};

}  // namespace quire
