#include "quire/tokenizer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "base/utf8.h"
#include "text/model_files.h"
#include "text/native.h"
#include "text/token_table.h"

namespace quire {
namespace {

int32_t native_backend(TokenizerBackend backend) {
  switch (backend) {
    case TokenizerBackend::kAuto:
      return QUIRE_BACKEND_AUTO;
    case TokenizerBackend::kFastokens:
      return QUIRE_BACKEND_FASTOKENS;
    case TokenizerBackend::kHuggingFace:
      return QUIRE_BACKEND_HUGGINGFACE;
  }
  QUIRE_CHECK(false, "TokenizerBackend {}", static_cast<int>(backend));
}

std::vector<quire_string_view> all_tokens(const SpecialTokens& tokens) {
  std::vector<quire_string_view> views;
  for (const auto& entry : tokens.named)
    views.push_back({entry.second.data(), entry.second.size()});
  for (const std::string& text : tokens.additional)
    views.push_back({text.data(), text.size()});
  return views;
}

// What the Rust library hands out is given back to it, also when copying it throws.
struct NativeTable {
  ::quire_token_table view{};
  NativeTable() = default;
  ~NativeTable() { quire_token_table_free(view); }
  NativeTable(const NativeTable&) = delete;
  NativeTable& operator=(const NativeTable&) = delete;
};

struct NativeIds {
  quire_ids view{};
  NativeIds() = default;
  ~NativeIds() { quire_ids_free(view); }
  NativeIds(const NativeIds&) = delete;
  NativeIds& operator=(const NativeIds&) = delete;
};

void throw_bug(std::string_view error) {
  QUIRE_CHECK(false, "{}", error);
}

}  // namespace

struct Tokenizer::Native {
  const quire_tokenizer* handle = nullptr;
  bool is_fastokens = false;
  ~Native() { quire_tokenizer_free(handle); }
};

Tokenizer::Tokenizer(
    std::string_view json,
    const SpecialTokens& special_tokens,
    TokenizerBackend backend,
    std::string_view name
)
    : native_(std::make_unique<Native>()) {
  const std::vector<quire_string_view> tokens = all_tokens(special_tokens);
  NativeBuffer error;
  const quire_status status = quire_tokenizer_new(
      json.data(),
      json.size(),
      tokens.data(),
      tokens.size(),
      native_backend(backend),
      &native_->handle,
      error.out()
  );
  check_status(status, error, [&](std::string_view reason) {
    throw InvalidArgument("tokenizer", fmt::format("{} cannot be used: {}", name, reason));
  });

  int32_t taken = 0;
  NativeBuffer reason;
  check_status(
      quire_tokenizer_backend(native_->handle, reason.out(), &taken, error.out()), error, throw_bug
  );
  native_->is_fastokens = taken == QUIRE_BACKEND_FASTOKENS;
  fallback_reason_ = reason.str();

  NativeTable table;
  check_status(quire_token_table_new(native_->handle, &table.view, error.out()), error, throw_bug);
  table_ = std::make_unique<TokenTable>(table.view);

  const auto id_of = [&](const char* role) -> std::optional<int32_t> {
    const std::string* text = special_tokens.find(role);
    return text == nullptr ? std::nullopt : token_to_id(*text);
  };
  bos_token_id_ = id_of("bos_token");
  eos_token_id_ = id_of("eos_token");
  pad_token_id_ = id_of("pad_token");
  unk_token_id_ = id_of("unk_token");
  find_edges(special_tokens);
}

Tokenizer::~Tokenizer() = default;

std::shared_ptr<const Tokenizer> Tokenizer::from_dir(
    const std::filesystem::path& dir, TokenizerBackend backend
) {
  const std::filesystem::path file = dir / "tokenizer.json";
  const std::string json = read_file(file);
  return make(json, read_special_tokens(dir), backend, file.string());
}

std::shared_ptr<const Tokenizer> Tokenizer::from_file(
    const std::filesystem::path& file, TokenizerBackend backend
) {
  return from_json(read_file(file), {}, backend, file.string());
}

std::shared_ptr<const Tokenizer> Tokenizer::from_json(
    std::string_view tokenizer_json,
    std::string_view tokenizer_config,
    TokenizerBackend backend,
    std::string_view name
) {
  SpecialTokens special_tokens;
  if (!tokenizer_config.empty())
    special_tokens = parse_special_tokens(tokenizer_config, "tokenizer_config.json");
  return make(tokenizer_json, special_tokens, backend, name);
}

// A file whose parts contradict each other can make the backends panic while it is tried out: that
// is the file's fault, not a bug.
std::shared_ptr<const Tokenizer> Tokenizer::make(
    std::string_view json,
    const SpecialTokens& special_tokens,
    TokenizerBackend backend,
    std::string_view name
) {
  try {
    return std::shared_ptr<const Tokenizer>(new Tokenizer(json, special_tokens, backend, name));
  } catch (const InternalError& error) {
    throw InvalidArgument("tokenizer", fmt::format("{} cannot be used: {}", name, error.what()));
  }
}

// tokenizer_config.json has the last word on bos and eos: what the post-processor of tokenizer.json
// does with them is seen on the empty text.
void Tokenizer::find_edges(const SpecialTokens& special_tokens) {
  const std::vector<int32_t> around = encode_native("", true);
  const bool has_bos = !around.empty() && bos_token_id_ == around.front();
  const bool has_eos = around.size() > (has_bos ? 1 : 0) && eos_token_id_ == around.back();
  const auto edge = [](std::optional<bool> wanted, std::optional<int32_t> id, bool has) {
    if (!wanted || !id || *wanted == has) return Edge::kKeep;
    return *wanted ? Edge::kAdd : Edge::kRemove;
  };
  front_ = edge(special_tokens.add_bos_token, bos_token_id_, has_bos);
  back_ = edge(special_tokens.add_eos_token, eos_token_id_, has_eos);
}

std::vector<int32_t> Tokenizer::encode_native(std::string_view text, bool add_special_tokens)
    const {
  NativeIds ids;
  NativeBuffer error;
  const quire_status status = quire_tokenizer_encode(
      native_->handle, text.data(), text.size(), add_special_tokens, &ids.view, error.out()
  );
  check_status(status, error, [&](std::string_view reason) {
    if (const auto offset = find_invalid_utf8(text)) {
      throw InvalidArgument(
          "prompt",
          fmt::format("the text is not valid UTF-8 at byte {}; encode it as UTF-8", *offset)
      );
    }
    throw InvalidArgument("prompt", fmt::format("the text cannot be tokenized: {}", reason));
  });
  return {ids.view.data, ids.view.data + ids.view.size};
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::vector<int32_t> ids = encode_native(text, add_special_tokens);
  if (!add_special_tokens) return ids;
  if (front_ == Edge::kRemove && !ids.empty()) ids.erase(ids.begin());
  if (back_ == Edge::kRemove && !ids.empty()) ids.pop_back();
  if (front_ == Edge::kAdd) ids.insert(ids.begin(), *bos_token_id_);
  if (back_ == Edge::kAdd) ids.push_back(*eos_token_id_);
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  if (const auto bad = std::ranges::find_if(ids, [](int32_t id) { return id < 0; });
      bad != ids.end()) {
    throw InvalidArgument("token_ids", fmt::format("token id {} is negative", *bad));
  }
  NativeBuffer text;
  NativeBuffer error;
  const quire_status status = quire_tokenizer_decode(
      native_->handle, ids.data(), ids.size(), skip_special_tokens, text.out(), error.out()
  );
  check_status(status, error, [](std::string_view reason) {
    throw InvalidArgument("token_ids", fmt::format("the ids cannot be decoded: {}", reason));
  });
  return text.str();
}

std::string Tokenizer::token_text(int32_t id, std::span<const int32_t> preceding) const {
  const auto is_whole = [](std::string_view text) {
    return !text.ends_with(kReplacementCharacter);
  };
  std::string text = decode({&id, 1});
  if (is_whole(text)) return text;
  constexpr size_t kMaxContext = 4;  // a character has four bytes at most
  for (size_t count = 1; count <= std::min(kMaxContext, preceding.size()); ++count) {
    const auto context = preceding.last(count);
    std::vector<int32_t> ids(context.begin(), context.end());
    ids.push_back(id);
    const std::string joined = decode(ids);
    if (!is_whole(joined)) continue;
    // Tokens inside a character had no text of their own; it belongs to the one that ends it.
    size_t num_clean = count;
    while (num_clean > 0 && !is_whole(decode(context.subspan(num_clean - 1, 1))))
      --num_clean;
    const std::string before = decode(context.first(num_clean));
    const auto differs = std::ranges::mismatch(before, joined);
    return std::string(differs.in2, joined.end());
  }
  return "";
}

int32_t Tokenizer::vocab_size() const {
  return table_->num_ids();
}

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  int64_t id = -1;
  NativeBuffer error;
  const quire_status status =
      quire_tokenizer_token_to_id(native_->handle, token.data(), token.size(), &id, error.out());
  if (status == QUIRE_INVALID || id < 0) return std::nullopt;  // not UTF-8: no token
  check_status(status, error, throw_bug);
  return static_cast<int32_t>(id);
}

std::optional<std::string> Tokenizer::id_to_token(int32_t id) const {
  if (!table_->has_token(id)) return std::nullopt;
  NativeBuffer token;
  NativeBuffer error;
  check_status(
      quire_tokenizer_id_to_token(native_->handle, id, token.out(), error.out()), error, throw_bug
  );
  return token.is_null() ? std::nullopt : std::optional(token.str());
}

bool Tokenizer::is_special(int32_t id) const {
  return table_->has_token(id) && table_->is_special(id);
}

std::string_view Tokenizer::backend() const {
  return native_->is_fastokens ? "fastokens" : "huggingface";
}

}  // namespace quire
