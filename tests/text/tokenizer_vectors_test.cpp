#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "quire/chat_template.h"
#include "quire/error.h"
#include "quire/tokenizer.h"
#include "support/json_reader.h"
#include "support/test_paths.h"
#include "text/test_data.h"
#include "text/unicode_samples.h"

// Ids against reference vectors, and fastokens against Hugging Face's tokenizers.
namespace quire {
namespace {

using test::read_file;

constexpr const char* kNoData = "QUIRE_TEST_DATA does not name the data folder";

// llama.cpp's format: texts between marker lines, and a line of ids for each.
void expect_llama_cpp_vectors(const std::string& tokenizer_dir, const std::string& vectors) {
  const auto data = test::external_text_data();
  if (!data) GTEST_SKIP() << kNoData;
  const auto tokenizer = Tokenizer::from_file(*data / tokenizer_dir / "tokenizer.json");
  const auto base = *data / "tokenizers/llamacpp-vectors";
  const std::string texts = read_file(base / (vectors + ".gguf.inp"));
  std::istringstream lines(read_file(base / (vectors + ".gguf.out")));
  const std::string marker = "\n__ggml_vocab_test__\n";
  int num_texts = 0;
  for (size_t begin = 0; begin != std::string::npos; ++num_texts) {
    const size_t end = texts.find(marker, begin);
    const std::string text = texts.substr(begin, end - begin);
    begin = end == std::string::npos ? end : end + marker.size();
    std::string line;
    std::getline(lines, line);  // the last text is empty and has no line
    std::istringstream words(line);
    const std::vector<int32_t> ids{std::istream_iterator<int32_t>(words), {}};
    EXPECT_EQ(tokenizer->encode(text, /*add_special_tokens=*/false), ids) << text;
  }
  EXPECT_EQ(num_texts, 47);
}

TEST(TokenizerVectors, Llama3) {
  expect_llama_cpp_vectors("tokenizers-derived/llama-3.2", "ggml-vocab-llama-bpe");
}

TEST(TokenizerVectors, Qwen2) {
  expect_llama_cpp_vectors("tokenizers-derived/qwen2", "ggml-vocab-qwen2");
}

TEST(TokenizerVectors, LlamaSentencePiece) {
  expect_llama_cpp_vectors("tokenizers/phi-3", "ggml-vocab-llama-spm");
}

TEST(TokenizerVectors, Mistral) {
  const auto dir = test::test_data_dir() / "text/mistral";
  const auto tokenizer = Tokenizer::from_file(dir / "tokenizer.json");
  const test::JsonFile file(dir / "encodings.json");
  int num_texts = 0;
  for (simdjson::dom::element entry : simdjson::dom::array(file.root()["entries"])) {
    const std::string text{std::string_view(entry["text"])};
    const auto ids = test::read_json_vector<int32_t>(entry["ids"]);
    EXPECT_EQ(tokenizer->encode(text, false), ids) << text;
    const auto ids_special = test::read_json_vector<int32_t>(entry["ids_special"]);
    EXPECT_EQ(tokenizer->encode(text, true), ids_special) << text;
    EXPECT_EQ(tokenizer->decode(ids), std::string_view(entry["decode"]));
    ++num_texts;
  }
  EXPECT_GT(num_texts, 20);
}

// Conversations to ids, as mistral-common's own encoder gives them. (Its other samples need what it
// does to messages before it encodes them.)
TEST(TokenizerVectors, MistralConversations) {
  const auto data = test::external_text_data();
  if (!data) GTEST_SKIP() << kNoData;
  const auto chat = ChatTemplate::from_source(
      read_file(*data / "templates/mistral-common/v3_spm.jinja"),
      R"({"bos_token":"<s>","eos_token":"</s>"})"
  );
  const auto tokenizer =
      Tokenizer::from_file(test::test_data_dir() / "text/mistral/tokenizer.json");
  for (const char* name : {"no_tools", "parallel_calls", "several_calls"}) {
    const auto dir = *data / "tokenizers/mistral/samples" / name;
    const std::string text = chat->render(read_file(dir / "sample.json"));
    const test::JsonFile expected(dir / "tokens_v3.json");
    const auto ids = test::read_json_vector<int32_t>(expected.root()["tokens"]);
    EXPECT_EQ(tokenizer->encode(text, /*add_special_tokens=*/false), ids) << name;
  }
}

TEST(TokenizerVectors, FilesThatNoBackendCanReadAreRefusedWithTheReason) {
  const auto data = test::external_text_data();
  if (!data) GTEST_SKIP() << kNoData;
  for (const char* name : {"llama-2", "added-tokens"}) {
    const auto file = *data / "tokenizers" / name / "tokenizer.json";
    try {
      Tokenizer::from_file(file);
      FAIL() << name << " was read";
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "tokenizer");
      EXPECT_EQ(std::string(error.what()).find(file.string() + " cannot be used: "), 0u);
    }
  }
}

// Both backends on natural text and on the Unicode samples: ids, and text back from them.
void expect_backends_agree(const std::filesystem::path& file, const std::string& corpus) {
  const auto fast = Tokenizer::from_file(file, TokenizerBackend::kFastokens);
  const auto reference = Tokenizer::from_file(file, TokenizerBackend::kHuggingFace);
  ASSERT_EQ(fast->backend(), "fastokens");
  ASSERT_EQ(reference->backend(), "huggingface");
  EXPECT_EQ(fast->vocab_size(), reference->vocab_size());
  auto texts = test::unicode_samples(2000, /*seed=*/1);
  for (std::string& piece : test::cut_into_pieces(corpus, 20'000))
    texts.push_back(std::move(piece));
  for (const std::string& text : texts) {
    const bool add_special_tokens = text.size() % 2 == 0;
    const auto ids = reference->encode(text, add_special_tokens);
    ASSERT_EQ(fast->encode(text, add_special_tokens), ids) << file << '\n' << text;
    ASSERT_EQ(fast->decode(ids, true), reference->decode(ids, true)) << file << '\n' << text;
    ASSERT_EQ(fast->decode(ids, false), reference->decode(ids, false)) << file << '\n' << text;
  }
}

TEST(TokenizerBackends, AgreeOnTheTokenizersOfTheRepository) {
  const std::string corpus = read_file(test::test_data_dir() / "text/templates.jsonl");
  for (const auto& file :
       {test::bundled_models_dir() / "small-chat/tokenizer.json",
        test::test_data_dir() / "models/stories260K/tokenizer.json",
        test::test_data_dir() / "text/gpt2/tokenizer.json"}) {
    expect_backends_agree(file, corpus.substr(0, 100'000));
  }
}

TEST(TokenizerBackends, AgreeOnTheOtherTokenizers) {
  const auto data = test::external_text_data();
  if (!data) GTEST_SKIP() << kNoData;
  const std::string corpus = read_file(*data / "corpora/text/wikitext-2.test.txt");
  for (const char* name :
       {"tokenizers-derived/llama-3.2/tokenizer.json",
        "tokenizers-derived/qwen2/tokenizer.json",
        "tokenizers/gpt-neox/20B_tokenizer.json",
        "tokenizers/phi-2/tokenizer.json",
        "tokenizers/phi-3/tokenizer.json"}) {
    expect_backends_agree(*data / name, corpus.substr(0, 300'000));
  }
}

// What fastokens refuses must come from the fall-back.
TEST(TokenizerBackends, TheFallbackTakesWhatFastokensRefuses) {
  EXPECT_EQ(
      Tokenizer::from_file(test::test_data_dir() / "text/bert/tokenizer.json")->backend(),
      "huggingface"
  );
  const auto data = test::external_text_data();
  if (!data) GTEST_SKIP() << kNoData;
  for (const char* name : {"falcon", "roberta", "t5"}) {
    const auto tokenizer = Tokenizer::from_file(*data / "tokenizers" / name / "tokenizer.json");
    EXPECT_EQ(tokenizer->backend(), "huggingface") << name;
    EXPECT_FALSE(tokenizer->encode("Hello").empty());
  }
}

}  // namespace
}  // namespace quire
