#include "quire/tokenizer.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/test_paths.h"
#include "text/test_data.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

std::shared_ptr<const Tokenizer> small_chat() {
  static const auto tokenizer = Tokenizer::from_dir(test::bundled_models_dir() / "small-chat");
  return tokenizer;
}

// A word-level tokenizer: a, b, <s> and </s>, with <s> put in front by the post-processor.
std::string word_level(bool adds_bos) {
  const std::string single =
      adds_bos
          ? R"([{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}])"
          : R"([{"Sequence":{"id":"A","type_id":0}}])";
  return R"({"version":"1.0","truncation":{"max_length":1,"stride":0,"strategy":"LongestFirst",
    "direction":"Right"},"padding":null,"normalizer":null,"added_tokens":[
    {"id":2,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
    {"id":3,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
    "pre_tokenizer":{"type":"Whitespace"},"decoder":null,
    "model":{"type":"WordLevel","vocab":{"a":0,"b":1,"<s>":2,"</s>":3},"unk_token":"a"},
    "post_processor":{"type":"TemplateProcessing","single":)" +
         single +
         R"(,"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[2],"tokens":["<s>"]}}}})";
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const InvalidArgument& error) {
    return error.field() + ": " + error.what();
  }
  return "nothing was thrown";
}

TEST(Tokenizer, TextComesBackFromItsIds) {
  for (const std::string text :
       {"Hello, wörld! 你好 🙂 it's 12345.\n",
        "",
        "  \t\r\n  a",
        "e\u0301 \uFEFF",
        "<|im_end|>"}) {
    EXPECT_EQ(small_chat()->decode(small_chat()->encode(text)), text);
  }
}

TEST(Tokenizer, KnowsTheSpecialTokensOfTheConfig) {
  const auto tokenizer = small_chat();
  EXPECT_EQ(tokenizer->backend(), "fastokens");
  EXPECT_EQ(tokenizer->fallback_reason(), "");
  EXPECT_EQ(tokenizer->bos_token_id(), std::nullopt);
  EXPECT_EQ(tokenizer->unk_token_id(), std::nullopt);
  const auto eos = tokenizer->eos_token_id();
  EXPECT_EQ(eos, tokenizer->token_to_id("<|im_end|>"));
  EXPECT_THAT(tokenizer->id_to_token(eos.value()), Optional(std::string("<|im_end|>")));
  EXPECT_TRUE(tokenizer->is_special(*eos));
  EXPECT_EQ(tokenizer->pad_token_id(), tokenizer->token_to_id("<|endoftext|>"));
}

TEST(Tokenizer, SpecialTokensInTheTextBecomeOneIdAndCanBeSkipped) {
  const auto ids = small_chat()->encode("a<|im_end|>b");
  EXPECT_THAT(ids, ElementsAre(testing::_, small_chat()->eos_token_id().value(), testing::_));
  EXPECT_EQ(small_chat()->decode(ids, /*skip_special_tokens=*/true), "ab");
  EXPECT_EQ(small_chat()->decode(ids, /*skip_special_tokens=*/false), "a<|im_end|>b");
}

TEST(Tokenizer, IdsOutsideTheVocabularyHaveNoToken) {
  const int32_t beyond = small_chat()->vocab_size();
  EXPECT_TRUE(small_chat()->id_to_token(beyond - 1).has_value());
  for (int32_t id : {beyond, beyond + 1000, INT32_MAX, -1}) {
    EXPECT_EQ(small_chat()->id_to_token(id), std::nullopt);
    EXPECT_FALSE(small_chat()->is_special(id));
  }
  EXPECT_EQ(small_chat()->decode(std::vector{beyond, beyond + 7}), "");
  EXPECT_EQ(small_chat()->token_to_id("no such token"), std::nullopt);
  EXPECT_EQ(small_chat()->token_to_id("\xFF"), std::nullopt);
  EXPECT_EQ(
      message_of([&] {
        small_chat()->decode(std::vector{1, -5});
      }),
      "token_ids: token id -5 is negative"
  );
}

TEST(Tokenizer, InvalidUtf8IsRefusedWithItsOffset) {
  EXPECT_EQ(
      message_of([] { small_chat()->encode("abc\xC3(def"); }),
      "prompt: the text is not valid UTF-8 at byte 3; encode it as UTF-8"
  );
}

TEST(Tokenizer, ConfigDecidesAboutBosAndEos) {
  const auto ids = [](bool adds_bos, const char* config) {
    return Tokenizer::from_json(word_level(adds_bos), config)->encode("a b");
  };
  EXPECT_THAT(ids(true, ""), ElementsAre(2, 0, 1));
  EXPECT_THAT(ids(true, R"({"bos_token":"<s>"})"), ElementsAre(2, 0, 1));
  EXPECT_THAT(ids(true, R"({"bos_token":"<s>","add_bos_token":true})"), ElementsAre(2, 0, 1));
  EXPECT_THAT(ids(true, R"({"bos_token":"<s>","add_bos_token":false})"), ElementsAre(0, 1));
  EXPECT_THAT(ids(false, R"({"bos_token":"<s>","add_bos_token":true})"), ElementsAre(2, 0, 1));
  EXPECT_THAT(
      ids(false, R"({"eos_token":{"content":"</s>"},"add_eos_token":true})"), ElementsAre(0, 1, 3)
  );
  const auto plain = Tokenizer::from_json(word_level(true), R"({"bos_token":"<s>"})");
  EXPECT_THAT(plain->encode("a", /*add_special_tokens=*/false), ElementsAre(0));
}

TEST(Tokenizer, TokensThatOnlyTheConfigNamesAreAdded) {
  const auto tokenizer = Tokenizer::from_json(
      word_level(false),
      R"({"pad_token":"<pad>","model_max_length":1000000000000000019884624838656,
          "additional_special_tokens":["<extra>"]})"
  );
  EXPECT_EQ(tokenizer->pad_token_id(), 4);
  EXPECT_EQ(tokenizer->vocab_size(), 6);
  EXPECT_THAT(tokenizer->encode("a<extra><pad>"), ElementsAre(0, 5, 4));
  EXPECT_TRUE(tokenizer->is_special(5));
}

TEST(Tokenizer, AFallbackSaysWhy) {
  const auto tokenizer = Tokenizer::from_json(word_level(false));
  EXPECT_EQ(tokenizer->backend(), "huggingface");
  EXPECT_NE(tokenizer->fallback_reason(), "");
  EXPECT_THAT(
      message_of([] { Tokenizer::from_json(word_level(false), "", TokenizerBackend::kFastokens); }),
      HasSubstr("tokenizer: tokenizer.json cannot be used")
  );
}

TEST(Tokenizer, BadFilesAreNamed) {
  EXPECT_THAT(
      message_of([] { Tokenizer::from_file(test::bundled_models_dir() / "small-chat/config.json"); }
      ),
      testing::AllOf(HasSubstr("tokenizer: "), HasSubstr("small-chat/config.json cannot be used"))
  );
  EXPECT_THAT(
      message_of([] { Tokenizer::from_json(word_level(true), "{\"bos_token\": "); }),
      HasSubstr("tokenizer: tokenizer_config.json is not a valid JSON object")
  );
  try {
    Tokenizer::from_dir(test::bundled_models_dir());
    FAIL() << "a folder without tokenizer.json was read";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("models/tokenizer.json: No such file"));
  }
}

TEST(Tokenizer, TokensInsideACharacterGetItsTextAtTheLastOne) {
  const auto gpt2 = Tokenizer::from_file(test::test_data_dir() / "text/gpt2/tokenizer.json");
  const auto ids = gpt2->encode("a🧪b");
  ASSERT_GT(ids.size(), 4u);  // the character is three tokens or more
  std::string joined;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string text = gpt2->token_text(ids[i], std::span(ids).first(i));
    const bool is_inside = i > 0 && i + 2 < ids.size();
    EXPECT_EQ(text, i == 0 ? "a" : is_inside ? "" : i + 1 == ids.size() ? "b" : "🧪");
    joined += text;
  }
  EXPECT_EQ(joined, "a🧪b");
  EXPECT_EQ(gpt2->token_text(ids[1]), "");
}

TEST(Tokenizer, ThreadsShareIt) {
  const auto expected = small_chat()->encode("The quick brown fox, 你好.");
  std::vector<std::thread> threads;
  std::atomic<int> num_equal = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        num_equal += small_chat()->encode("The quick brown fox, 你好.") == expected;
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(num_equal, 200);
}

}  // namespace
}  // namespace quire
