#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "quire_text.h"
#include "support/test_paths.h"
#include "text/test_data.h"

// The grammar functions through the C header: handles, masks, errors. What grammars accept is
// tested beside their code in rust/.
namespace quire {
namespace {

class Grammar : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = test::bundled_models_dir() / "small-chat/tokenizer.json";
    const std::string json = test::read_file(file);
    ASSERT_EQ(
        quire_tokenizer_new(json.data(), json.size(), nullptr, 0, 0, &tokenizer_, nullptr), QUIRE_OK
    );
    eos_ = encode("<|im_end|>").at(0);
    ASSERT_EQ(
        quire_grammar_compiler_new(tokenizer_, kVocabSize, &eos_, 1, &compiler_, nullptr), QUIRE_OK
    );
  }
  void TearDown() override {
    quire_grammar_compiler_free(compiler_);
    quire_tokenizer_free(tokenizer_);
  }

  std::vector<int32_t> encode(std::string_view text) {
    quire_ids ids{};
    EXPECT_EQ(
        quire_tokenizer_encode(tokenizer_, text.data(), text.size(), false, &ids, nullptr), QUIRE_OK
    );
    std::vector<int32_t> out(ids.data, ids.data + ids.size);
    quire_ids_free(ids);
    return out;
  }

  // nullptr: the grammar was refused with `reason`.
  quire_grammar_matcher* compile(std::string_view kind, std::string_view source) {
    quire_grammar_matcher* matcher = nullptr;
    quire_buffer error{};
    const quire_status status = quire_grammar_matcher_new(
        compiler_, kind.data(), kind.size(), source.data(), source.size(), &matcher, &error
    );
    reason_.assign(error.data == nullptr ? "" : error.data, error.size);
    quire_buffer_free(error);
    EXPECT_EQ(status, reason_.empty() ? QUIRE_OK : QUIRE_INVALID);
    return matcher;
  }

  bool allows(quire_grammar_matcher* matcher, int32_t id) {
    EXPECT_EQ(
        quire_grammar_matcher_fill_mask(matcher, mask_.data(), mask_.size(), nullptr), QUIRE_OK
    );
    return (mask_[id / 32] >> (id % 32) & 1) != 0;
  }

  static constexpr size_t kVocabSize = 5000;  // the model's: more than the tokenizer has
  const quire_tokenizer* tokenizer_ = nullptr;
  quire_grammar_compiler* compiler_ = nullptr;
  int32_t eos_ = -1;
  std::vector<uint32_t> mask_ = std::vector<uint32_t>((kVocabSize + 31) / 32);
  std::string reason_;
};

TEST_F(Grammar, MasksFollowTheTokensThatAreConsumed) {
  quire_grammar_matcher* matcher = compile("json_schema", R"({"enum":["yes","no"]})");
  ASSERT_NE(matcher, nullptr) << reason_;
  const auto ids = encode("\"yes\"");
  size_t num_valid = 0;
  quire_grammar_matcher_validate(matcher, ids.data(), ids.size(), &num_valid, nullptr);
  EXPECT_EQ(num_valid, ids.size());
  for (int32_t id : ids) {
    EXPECT_TRUE(allows(matcher, id));
    EXPECT_FALSE(allows(matcher, eos_));
    EXPECT_FALSE(allows(matcher, kVocabSize - 1));
    EXPECT_EQ(quire_grammar_matcher_consume(matcher, &id, 1, nullptr), QUIRE_OK);
  }
  uint32_t state = 0;
  EXPECT_EQ(quire_grammar_matcher_state(matcher, &state, nullptr), QUIRE_OK);
  EXPECT_EQ(state & 1, 1u);
  EXPECT_TRUE(allows(matcher, eos_));

  quire_grammar_matcher* fork = nullptr;
  EXPECT_EQ(quire_grammar_matcher_clone(matcher, &fork, nullptr), QUIRE_OK);
  EXPECT_EQ(quire_grammar_matcher_rollback(fork, ids.size(), nullptr), QUIRE_OK);
  EXPECT_FALSE(allows(fork, eos_));
  EXPECT_TRUE(allows(matcher, eos_));
  quire_grammar_matcher_free(fork);
  quire_grammar_matcher_free(matcher);
}

TEST_F(Grammar, TokensThatMustComeAreForced) {
  quire_grammar_matcher* matcher = compile("regex", "the quick brown fox jumps over");
  ASSERT_NE(matcher, nullptr) << reason_;
  quire_ids forced{};
  EXPECT_EQ(quire_grammar_matcher_forced_tokens(matcher, &forced, nullptr), QUIRE_OK);
  EXPECT_GT(forced.size, 2u);
  EXPECT_EQ(quire_grammar_matcher_consume(matcher, forced.data, forced.size, nullptr), QUIRE_OK);
  quire_ids_free(forced);
  quire_grammar_matcher_free(matcher);
}

TEST_F(Grammar, ErrorsAreSentences) {
  EXPECT_EQ(compile("json_schema", R"({"type":5})"), nullptr);
  EXPECT_EQ(compile("xml", ""), nullptr);
  EXPECT_EQ(reason_, "there is no kind of grammar named \"xml\"");
  EXPECT_EQ(compile("lark", std::string(20'000, 'x')), nullptr);
  EXPECT_EQ(reason_, "the lark grammar has 20000 bytes; at most 16384 are allowed");
  quire_grammar_matcher* matcher = compile("regex", "[0-9]+");
  ASSERT_NE(matcher, nullptr);
  EXPECT_EQ(quire_grammar_matcher_fill_mask(matcher, mask_.data(), 1, nullptr), QUIRE_INVALID);
  EXPECT_EQ(quire_grammar_matcher_fill_mask(nullptr, mask_.data(), 1, nullptr), QUIRE_INVALID);
  EXPECT_EQ(quire_grammar_matcher_consume(matcher, &eos_, 1, nullptr), QUIRE_INVALID);
  quire_grammar_matcher_free(matcher);
}

TEST_F(Grammar, TheCompilerKeepsTheTokenizerAlive) {
  quire_tokenizer_free(tokenizer_);
  tokenizer_ = nullptr;
  quire_grammar_matcher* matcher = compile("regex", "a+");
  ASSERT_NE(matcher, nullptr);
  EXPECT_FALSE(allows(matcher, eos_));
  quire_grammar_matcher_free(matcher);
}

}  // namespace
}  // namespace quire
