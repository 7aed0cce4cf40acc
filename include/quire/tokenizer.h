#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quire/api.h"

namespace QUIRE_API quire {

class TokenTable;  // src/text/token_table.h
struct SpecialTokens;  // src/text/model_files.h

// Which implementation reads tokenizer.json. Both give the same ids; fastokens is the faster one
// and does not know every kind of tokenizer.
enum class TokenizerBackend { kAuto, kFastokens, kHuggingFace };

// Text to token ids and back, as tokenizer.json and tokenizer_config.json describe it.
// Immutable: every method may be called from any thread at any time.
class Tokenizer {
 public:
  // `dir` holds tokenizer.json and, if it has one, tokenizer_config.json (bos, eos, pad and unk
  // token, add_bos_token, add_eos_token) or special_tokens_map.json.
  // Throws EnvironmentError if a file cannot be read, InvalidArgument (field "tokenizer") with the
  // file's name and the reason if no backend can use it.
  static std::shared_ptr<const Tokenizer> from_dir(
      const std::filesystem::path& dir, TokenizerBackend backend = TokenizerBackend::kAuto
  );
  // A tokenizer.json alone: no bos, eos, pad or unk token is known.
  static std::shared_ptr<const Tokenizer> from_file(
      const std::filesystem::path& file, TokenizerBackend backend = TokenizerBackend::kAuto
  );
  // Contents of the two files; `tokenizer_config` may be empty. `name` stands for the file in
  // errors.
  static std::shared_ptr<const Tokenizer> from_json(
      std::string_view tokenizer_json,
      std::string_view tokenizer_config = {},
      TokenizerBackend backend = TokenizerBackend::kAuto,
      std::string_view name = "tokenizer.json"
  );
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Special tokens that stand in the text become their own id in any case; `add_special_tokens`
  // adds what the tokenizer puts around a text (bos, [CLS] …).
  // Throws InvalidArgument with the offset of the first byte that is not UTF-8.
  std::vector<int32_t> encode(std::string_view text, bool add_special_tokens = true) const;

  // Always valid UTF-8: bytes that form no character become U+FFFD. Ids without a token (padding
  // rows of the model's vocabulary) decode to nothing. Throws InvalidArgument for a negative id.
  std::string decode(std::span<const int32_t> ids, bool skip_special_tokens = false) const;

  // Text of one token as logprobs show it: decode({id}). A token that ends inside a character has
  // no text of its own: it is decoded together with the tokens sampled before it (the last four of
  // `preceding` are looked at), and is "" if that completes no character.
  std::string token_text(int32_t id, std::span<const int32_t> preceding = {}) const;

  // Largest token id + 1. The model's own vocab_size may be larger (padding).
  int32_t vocab_size() const;
  // A token as tokenizer.json spells it, such as "Ġhello" or "<|im_end|>".
  std::optional<int32_t> token_to_id(std::string_view token) const;
  std::optional<std::string> id_to_token(int32_t id) const;
  // True for the tokens that decode(…, skip_special_tokens = true) drops.
  bool is_special(int32_t id) const;

  std::optional<int32_t> bos_token_id() const { return bos_token_id_; }
  std::optional<int32_t> eos_token_id() const { return eos_token_id_; }
  std::optional<int32_t> pad_token_id() const { return pad_token_id_; }
  std::optional<int32_t> unk_token_id() const { return unk_token_id_; }

  // "fastokens" or "huggingface".
  std::string_view backend() const;
  // Why fastokens was not taken; empty if it was, or was not asked.
  const std::string& fallback_reason() const { return fallback_reason_; }

  // Text pieces of all tokens, for incremental detokenization.
  const TokenTable& token_table() const { return *table_; }

 private:
  struct Native;  // handle of the Rust library
  // What add_bos_token and add_eos_token change in the ids that the backend gives.
  enum class Edge { kKeep, kAdd, kRemove };

  Tokenizer(
      std::string_view json,
      const SpecialTokens& special_tokens,
      TokenizerBackend backend,
      std::string_view name
  );
  static std::shared_ptr<const Tokenizer> make(
      std::string_view json,
      const SpecialTokens& special_tokens,
      TokenizerBackend backend,
      std::string_view name
  );
  std::vector<int32_t> encode_native(std::string_view text, bool add_special_tokens) const;
  void find_edges(const SpecialTokens& special_tokens);

  std::unique_ptr<Native> native_;
  std::unique_ptr<TokenTable> table_;
  std::string fallback_reason_;
  std::optional<int32_t> bos_token_id_;
  std::optional<int32_t> eos_token_id_;
  std::optional<int32_t> pad_token_id_;
  std::optional<int32_t> unk_token_id_;
  Edge front_ = Edge::kKeep;
  Edge back_ = Edge::kKeep;
};

}  // namespace quire
