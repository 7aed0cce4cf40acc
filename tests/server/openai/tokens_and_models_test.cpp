#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "quire/tokenizer.h"
#include "server/openai/openai_server.h"
#include "support/json_reader.h"

namespace quire {
namespace {

using test::JsonText;
using test::OpenAiServer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TokensTest : public ::testing::Test {
 protected:
  std::string show_tokens(const std::vector<int32_t>& ids) const {
    std::string text;
    for (const int32_t id : ids)
      text += (text.empty() ? "" : ",") + std::to_string(id);
    return "[" + text + "]";
  }
  std::string show_tokens_of(const std::string& text) {
    return show_tokens(server_.engine().tokenizer()->encode(text, false));
  }
  OpenAiServer server_{test::counting_model(900, 2), {.enable_tokenizer_info_endpoint = true}};
};

TEST_F(TokensTest, TokenizesATextAndBack) {
  const auto json = server_.post_json("/tokenize", R"({"prompt": "Hello there"})");
  EXPECT_EQ(json->show("/tokens"), show_tokens_of("Hello there"));
  EXPECT_EQ(json->number("/count"), static_cast<int64_t>(json->size("/tokens")));
  EXPECT_EQ(json->number("/max_model_len"), 128);
  EXPECT_EQ(json->show("/token_strs"), "null");
  const auto back =
      server_.post_json("/detokenize", R"({"tokens": )" + json->show("/tokens") + "}");
  EXPECT_EQ(back->show(), R"({"prompt":"Hello there"})");
}

TEST_F(TokensTest, TokenizesAConversationAsAChatSeesIt) {
  const std::string messages = R"({"messages": [{"role": "user", "content": "Hi"}])";
  EXPECT_EQ(
      server_.post_json("/tokenize", messages + "}")->show("/tokens"),
      show_tokens_of("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
  );
  EXPECT_EQ(
      server_.post_json("/tokenize", messages + R"(, "add_generation_prompt": false})")
          ->show("/tokens"),
      show_tokens_of("<|im_start|>user\nHi<|im_end|>\n")
  );
}

TEST_F(TokensTest, ShowsToolsToTheTemplateWithoutAParser) {
  const auto json = server_.post_json(
      "/tokenize",
      R"({"messages": [{"role": "user", "content": "Hi"}],
          "tools": [{"type": "function", "function": {"name": "add", "parameters": {}}}]})"
  );
  const auto ids = test::read_json_vector<int32_t>(json->at("/tokens"));
  EXPECT_THAT(server_.engine().tokenizer()->decode(ids), HasSubstr("- add("));
}

TEST_F(TokensTest, ShowsTokensAsTheTokenizerSpellsThem) {
  const auto json =
      server_.post_json("/tokenize", R"({"prompt": "a b", "return_token_strs": true})");
  EXPECT_EQ(json->size("/token_strs"), json->size("/tokens"));
  EXPECT_EQ(json->text("/token_strs/0"), "a");
}

TEST_F(TokensTest, RefusesWhatItCannotRead) {
  EXPECT_EQ(server_.post("/tokenize", "{}").status, 400);
  EXPECT_EQ(server_.post("/tokenize", R"({"prompt": 1})").status, 400);
  EXPECT_EQ(server_.post("/tokenize", R"({"prompt": "a", "model": "other"})").status, 404);
  EXPECT_EQ(server_.post("/detokenize", R"({"tokens": [-1]})").status, 400);
  EXPECT_EQ(server_.post("/detokenize", R"({"tokens": "a"})").status, 400);
  EXPECT_EQ(server_.post("/detokenize", "{}").status, 400);
}

TEST_F(TokensTest, DescribesTheTokenizer) {
  const JsonText json(server_.request("GET", "/tokenizer_info").body);
  EXPECT_EQ(json.number("/vocab_size"), server_.engine().tokenizer()->vocab_size());
  EXPECT_EQ(json.text("/eos_token"), "<|im_end|>");
  EXPECT_THAT(json.text("/chat_template"), HasSubstr("<|im_start|>"));
  OpenAiServer plain{test::counting_model(900, 2)};
  EXPECT_EQ(plain.request("GET", "/tokenizer_info").status, 404) << "only with its flag";
}

TEST(Models, AreThoseThatAreServed) {
  OpenAiServer server{test::counting_model(900, 2), {.served_model_name = {"a", "b/c"}}};
  const JsonText list(server.request("GET", "/v1/models").body);
  ASSERT_EQ(list.size("/data"), 2u);
  EXPECT_EQ(list.text("/object"), "list");
  EXPECT_EQ(list.text("/data/0/id"), "a");
  EXPECT_EQ(list.text("/data/0/object"), "model");
  EXPECT_EQ(list.text("/data/0/root"), "small-chat");
  EXPECT_EQ(list.number("/data/0/max_model_len"), 128);
  EXPECT_THAT(list.text("/data/0/permission/0/id"), StartsWith("modelperm-"));
  EXPECT_EQ(JsonText(server.request("GET", "/v1/models/a").body).text("/id"), "a");
  EXPECT_EQ(JsonText(server.request("GET", "/v1/models/b/c").body).text("/id"), "b/c");
  EXPECT_EQ(server.request("GET", "/v1/models/d").status, 404);
}

TEST(Models, AnswerToEachOfTheirNamesUnderTheFirst) {
  OpenAiServer server{test::counting_model(900, 2), {.served_model_name = {"a", "b"}}};
  const auto named = server.post_json("/v1/completions", R"({"model": "b", "prompt": [5]})");
  EXPECT_EQ(named->text("/model"), "a");
  const auto unnamed = server.post_json("/v1/completions", R"({"prompt": [5]})");
  EXPECT_EQ(unnamed->text("/model"), "a");
}

std::string refused_field(ServerConfig config) {
  try {
    OpenAiServer server{test::counting_model(900, 2), std::move(config)};
  } catch (const InvalidArgument& error) {
    return error.field();
  }
  return "";
}

TEST(ServerStateOptions, AreCheckedWhenTheServerStarts) {
  EXPECT_EQ(
      refused_field({.chat_template_content_format = "html"}), "chat_template_content_format"
  );
  EXPECT_EQ(refused_field({.default_chat_template_kwargs = "[1]"}), "default_chat_template_kwargs");
  EXPECT_EQ(refused_field({.enable_auto_tool_choice = true}), "enable_auto_tool_choice");
  EXPECT_EQ(refused_field({.tool_call_parser = "nobody"}), "tool_call_parser");
  EXPECT_EQ(refused_field({.reasoning_parser = "nobody"}), "reasoning_parser");
  EXPECT_EQ(refused_field({}), "");
}

}  // namespace
}  // namespace quire
