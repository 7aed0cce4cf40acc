#include "text/incremental_detokenizer.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "support/test_paths.h"
#include "text/test_data.h"
#include "text/token_table.h"
#include "text/unicode_samples.h"

namespace quire {
namespace {

using TokenizerPtr = std::shared_ptr<const Tokenizer>;

TokenizerPtr load(const std::filesystem::path& file) {
  return Tokenizer::from_file(file);
}
TokenizerPtr small_chat() {
  return load(test::bundled_models_dir() / "small-chat/tokenizer.json");
}
TokenizerPtr gpt2() {
  return load(test::test_data_dir() / "text/gpt2/tokenizer.json");
}
TokenizerPtr bert() {
  return load(test::test_data_dir() / "text/bert/tokenizer.json");
}
TokenizerPtr stories() {
  return load(test::test_data_dir() / "models/stories260K/tokenizer.json");
}

// The increments of `ids`; the last one is what finish() gives.
std::vector<std::string> increments(
    const TokenizerPtr& tokenizer,
    std::span<const int32_t> prompt_ids,
    std::span<const int32_t> ids,
    bool skip_special_tokens = true,
    bool spaces_between_special_tokens = true
) {
  IncrementalDetokenizer detokenizer(
      tokenizer, prompt_ids, skip_special_tokens, spaces_between_special_tokens
  );
  std::vector<std::string> texts;
  for (int32_t id : ids)
    detokenizer.append(id, texts.emplace_back());
  detokenizer.finish(texts.emplace_back());
  return texts;
}

std::string join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts)
    joined += text;
  return joined;
}

// Ids such as a model may give: text, single tokens of any kind, good and broken runs of bytes.
std::vector<int32_t> random_ids(const Tokenizer& tokenizer, std::mt19937& random) {
  const TokenTable& table = tokenizer.token_table();
  const auto any_id = [&] { return static_cast<int32_t>(random() % tokenizer.vocab_size()); };
  const auto plain_id = [&] {
    for (;;) {
      const int32_t id = any_id();
      if (table.has_token(id) && !table.is_fallback_byte(id)) return id;
    }
  };
  const auto samples = test::unicode_samples(4, static_cast<uint32_t>(random()));
  std::vector<int32_t> ids;
  for (const std::string& sample : samples) {
    const auto encoded = tokenizer.encode(sample, false);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
    for (int i = 0; i < 4; ++i)
      ids.push_back(plain_id());
    if (const auto byte = tokenizer.token_to_id("<0xE2>"); byte && random() % 2 == 0) {
      ids.push_back(*byte);  // a run that is broken from its first byte on
      ids.push_back(*tokenizer.token_to_id(random() % 2 == 0 ? "<0x41>" : "<0xE2>"));
      ids.push_back(*tokenizer.token_to_id("<0x82>"));
      ids.push_back(plain_id());
    }
    ids.push_back(tokenizer.vocab_size() + 5);
  }
  return ids;
}

void expect_increments_equal_decode(const TokenizerPtr& tokenizer, int num_rounds) {
  std::mt19937 random(7);
  for (int round = 0; round < num_rounds; ++round) {
    const bool skip = random() % 2 == 0;
    const std::vector<int32_t> ids = random_ids(*tokenizer, random);
    size_t prompt_size = round % 4 == 0 ? 0 : random() % ids.size();
    // A prompt that ends inside a character has a test of its own.
    std::string prompt;
    for (;; --prompt_size) {
      prompt = tokenizer->decode(std::span(ids).first(prompt_size), skip);
      const bool is_in_run = tokenizer->token_table().has_token(ids[prompt_size]) &&
                             tokenizer->token_table().is_fallback_byte(ids[prompt_size]);
      if (prompt_size == 0 || (!prompt.ends_with(kReplacementCharacter) && !is_in_run)) break;
    }
    const std::string whole = tokenizer->decode(ids, skip);
    ASSERT_TRUE(whole.starts_with(prompt));
    const auto texts = increments(
        tokenizer, std::span(ids).first(prompt_size), std::span(ids).subspan(prompt_size), skip
    );
    for (const std::string& text : texts)
      ASSERT_EQ(find_invalid_utf8(text), std::nullopt);
    ASSERT_EQ(join(texts), whole.substr(prompt.size())) << "round " << round;
  }
}

TEST(IncrementalDetokenizer, EqualsDecodeForTheTokenizersOfTheRepository) {
  for (const TokenizerPtr& tokenizer :
       {small_chat(),
        gpt2(),
        bert(),
        stories(),
        load(test::test_data_dir() / "text/mistral/tokenizer.json")}) {
    expect_increments_equal_decode(tokenizer, 200);
  }
}

TEST(IncrementalDetokenizer, EqualsDecodeForTheOtherTokenizers) {
  const auto data = test::external_text_data();
  if (!data) GTEST_SKIP() << "QUIRE_TEST_DATA does not name the data folder";
  for (const char* name :
       {"tokenizers-derived/llama-3.2/tokenizer.json",
        "tokenizers-derived/qwen2/tokenizer.json",
        "tokenizers/falcon/tokenizer.json",
        "tokenizers/gpt-neox/20B_tokenizer.json",
        "tokenizers/phi-2/tokenizer.json",
        "tokenizers/phi-3/tokenizer.json",
        "tokenizers/roberta/tokenizer.json",
        "tokenizers/t5/tokenizer.json"}) {
    SCOPED_TRACE(name);
    expect_increments_equal_decode(load(*data / name), 200);
  }
}

TEST(IncrementalDetokenizer, HoldsACharacterBackUntilItsLastToken) {
  const auto tokenizer = gpt2();
  const auto ids = tokenizer->encode("🧪");
  ASSERT_GE(ids.size(), 3u);
  const auto texts = increments(tokenizer, {}, ids);
  for (size_t i = 0; i + 1 < ids.size(); ++i)
    EXPECT_EQ(texts[i], "");
  EXPECT_EQ(texts[ids.size() - 1], "🧪");
  EXPECT_EQ(texts.back(), "");
}

TEST(IncrementalDetokenizer, CompletesACharacterThatThePromptBegan) {
  for (const TokenizerPtr& tokenizer : {gpt2(), stories()}) {
    auto ids = tokenizer->encode("ab🧪c", false);
    for (size_t cut = 1; cut < ids.size(); ++cut) {
      const auto texts =
          increments(tokenizer, std::span(ids).first(cut), std::span(ids).subspan(cut));
      const std::string text = join(texts);
      EXPECT_TRUE(std::string("ab🧪c").ends_with(text)) << cut << ' ' << text;
      EXPECT_TRUE(text.ends_with("c"));
    }
  }
}

TEST(IncrementalDetokenizer, AnIncompleteCharacterAtTheEndBecomesU_FFFD) {
  for (const TokenizerPtr& tokenizer : {gpt2(), stories()}) {
    auto ids = tokenizer->encode("a🧪", false);
    ids.pop_back();
    const auto texts = increments(tokenizer, {}, ids);
    EXPECT_EQ(join(texts), tokenizer->decode(ids));
    EXPECT_TRUE(texts.back().starts_with(kReplacementCharacter));
  }
}

TEST(IncrementalDetokenizer, WrongBytesDoNotStall) {
  const auto tokenizer = stories();
  const auto id = [&](const char* token) { return tokenizer->token_to_id(token).value(); };
  const std::vector<int32_t> ids = {id("<0xFF>"), id("<0x80>"), id("<0x41>")};
  const auto texts = increments(tokenizer, {}, ids);
  for (size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(texts[i], kReplacementCharacter);

  // decode() gives up on the whole run; what was handed out before the wrong byte stays.
  const std::vector<int32_t> late = {id("<0x41>"), id("<0xFF>"), id("<0x42>")};
  EXPECT_EQ(join(increments(tokenizer, {}, late)), "A\uFFFD\uFFFD");
  EXPECT_EQ(tokenizer->decode(late), "\uFFFD\uFFFD\uFFFD");
}

TEST(IncrementalDetokenizer, TheFirstTokenKeepsItsSpaceOnlyAfterAPrompt) {
  for (const TokenizerPtr& tokenizer : {stories(), bert()}) {
    const auto prompt = tokenizer->encode("once", false);
    const auto ids = tokenizer->encode("upon a time", false);
    EXPECT_EQ(join(increments(tokenizer, {}, ids)), "upon a time");
    EXPECT_EQ(join(increments(tokenizer, prompt, ids)), " upon a time");
  }
}

TEST(IncrementalDetokenizer, SpacesBetweenSpecialTokensCanBeLeftOut) {
  const auto tokenizer = bert();
  const int32_t cls = tokenizer->token_to_id("[CLS]").value();
  const int32_t sep = tokenizer->token_to_id("[SEP]").value();
  const auto words = tokenizer->encode("hi", false);
  const std::vector<int32_t> ids = {cls, sep, words[0], sep, sep};
  const auto text = [&](bool skip, bool spaces) {
    return join(increments(tokenizer, {}, ids, skip, spaces));
  };
  EXPECT_EQ(text(false, true), "[CLS] [SEP] hi [SEP] [SEP]");
  EXPECT_EQ(text(false, false), "[CLS][SEP] hi [SEP][SEP]");
  EXPECT_EQ(text(true, true), "hi");
  EXPECT_EQ(text(true, false), "hi");
}

TEST(IncrementalDetokenizer, DecodersThatLookAheadAreDecodedInAWindow) {
  const auto tokenizer = Tokenizer::from_json(R"({"version":"1.0","added_tokens":[],
    "normalizer":null,"pre_tokenizer":null,"post_processor":null,
    "decoder":{"type":"BPEDecoder","suffix":"</w>"},
    "model":{"type":"WordLevel","vocab":{"lo":0,"w</w>":1,"er</w>":2},"unk_token":"lo"}})");
  ASSERT_EQ(tokenizer->token_table().kind(), TokenTable::Kind::kGeneral);
  std::mt19937 random(3);
  for (int round = 0; round < 100; ++round) {
    std::vector<int32_t> ids(1 + random() % 12);
    for (int32_t& id : ids)
      id = static_cast<int32_t>(random() % 3);
    EXPECT_EQ(join(increments(tokenizer, {}, ids)), tokenizer->decode(ids));
  }
}

}  // namespace
}  // namespace quire
