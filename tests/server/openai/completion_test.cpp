#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/tokenizer.h"
#include "server/openai/openai_server.h"

namespace quire {
namespace {

using test::JsonText;
using test::OpenAiServer;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kPath = "/v1/completions";
constexpr int32_t kEos = 2;

// After token t comes t + 1; after 900 the end.
class CompletionTest : public ::testing::Test {
 protected:
  std::string decode(std::vector<int32_t> ids) const {
    return server_.engine().tokenizer()->decode(ids, true);
  }
  mutable OpenAiServer server_{test::counting_model(900, kEos)};
};

// The bundled model, for what a fake one has not.
class SmallChatCompletionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = OpenAiServer::with_small_chat(); }
  static void TearDownTestSuite() { server_.reset(); }
  static std::unique_ptr<OpenAiServer> server_;
};
std::unique_ptr<OpenAiServer> SmallChatCompletionTest::server_;

TEST_F(CompletionTest, AnswersInOpenAisShape) {
  const auto json =
      server_.post_json(kPath, R"({"model": "small-chat", "prompt": [500], "max_tokens": 3})");
  EXPECT_EQ(json->text("/id"), "cmpl-0123");
  EXPECT_EQ(json->text("/object"), "text_completion");
  EXPECT_EQ(json->text("/model"), "small-chat");
  EXPECT_THAT(json->text("/system_fingerprint"), StartsWith("quire-"));
  EXPECT_GT(json->number("/created"), 1'700'000'000);
  EXPECT_EQ(json->text("/choices/0/text"), decode({501, 502, 503}));
  EXPECT_EQ(json->text("/choices/0/finish_reason"), "length");
  EXPECT_EQ(json->show("/usage"), R"({"prompt_tokens":1,"total_tokens":4,"completion_tokens":3})");
  for (const char* field : {"logprobs", "stop_reason", "token_ids", "prompt_logprobs"})
    EXPECT_EQ(json->show(std::string("/choices/0/") + field), "null") << field;
}

TEST_F(CompletionTest, GivesSixteenTokensToThoseWhoSayNothing) {
  const auto json = server_.post_json(kPath, R"({"prompt": [500]})");
  EXPECT_EQ(json->number("/usage/completion_tokens"), 16);
  // Near the end of the model's length there are fewer.
  std::string prompt = "[500";
  for (int i = 1; i < 120; ++i)
    prompt += ",500";
  const auto shorter = server_.post_json(kPath, R"({"prompt": )" + prompt + "]}");
  EXPECT_EQ(shorter->number("/usage/completion_tokens"), 8);
}

TEST_F(CompletionTest, StopsAtStopTokensAndTellsWhich) {
  const auto at_end = server_.post_json(kPath, R"({"prompt": [899], "max_tokens": 9})");
  EXPECT_EQ(at_end->text("/choices/0/finish_reason"), "stop");
  EXPECT_EQ(at_end->show("/choices/0/stop_reason"), "null") << "the end of the text";
  const auto at_token =
      server_.post_json(kPath, R"({"prompt": [500], "max_tokens": 9, "stop_token_ids": [503]})");
  EXPECT_EQ(at_token->number("/choices/0/stop_reason"), 503);
  EXPECT_EQ(at_token->number("/usage/completion_tokens"), 3);
}

TEST_F(CompletionTest, StopsAtStopStringsAndTellsWhich) {
  const std::string word = decode({503});
  const auto json = server_.post_json(
      kPath, R"({"prompt": [500], "max_tokens": 9, "stop": [")" + word + R"("]})"
  );
  EXPECT_EQ(json->text("/choices/0/stop_reason"), word);
  EXPECT_EQ(json->text("/choices/0/text"), decode({501, 502}));
  EXPECT_EQ(json->text("/choices/0/finish_reason"), "stop");
}

TEST_F(CompletionTest, TakesTextsAndListsOfThem) {
  const auto one = server_.post_json(kPath, R"({"prompt": "Hello there", "max_tokens": 1})");
  const auto ids = server_.engine().tokenizer()->encode("Hello there");
  EXPECT_EQ(one->number("/usage/prompt_tokens"), static_cast<int64_t>(ids.size()));
  const auto two = server_.post_json(
      kPath, R"({"prompt": [[500], [600, 601]], "max_tokens": 2, "n": 2, "temperature": 1})"
  );
  ASSERT_EQ(two->size("/choices"), 4u);
  for (int i = 0; i < 4; ++i) {
    const std::string choice = "/choices/" + std::to_string(i);
    EXPECT_EQ(two->number(choice + "/index"), i) << "prompt * n + i";
    EXPECT_EQ(two->text(choice + "/text"), i < 2 ? decode({501, 502}) : decode({602, 603}));
  }
  EXPECT_EQ(two->show("/usage"), R"({"prompt_tokens":3,"total_tokens":11,"completion_tokens":8})");
}

TEST_F(CompletionTest, ShowsLogprobsOfTheSampledAndTheLikeliestTokens) {
  const auto json =
      server_.post_json(kPath, R"({"prompt": [500], "max_tokens": 2, "logprobs": 2})");
  const std::string base = "/choices/0/logprobs";
  const std::string first = decode({501});
  EXPECT_EQ(json->text(base + "/tokens/0"), first);
  EXPECT_EQ(json->show(base + "/token_logprobs"), "[-1,-1]");
  EXPECT_EQ(json->number(base + "/text_offset/0"), 0);
  EXPECT_EQ(json->number(base + "/text_offset/1"), static_cast<int64_t>(first.size()));
  EXPECT_EQ(json->at(base + "/top_logprobs/0").get_object().size(), 2u);
  const auto none =
      server_.post_json(kPath, R"({"prompt": [500], "max_tokens": 1, "logprobs": 0})");
  EXPECT_EQ(none->at(base + "/top_logprobs/0").get_object().size(), 1u) << "the sampled one";
}

TEST_F(CompletionTest, ShowsTokensAsTheirIdsIfAskedTo) {
  const auto json = server_.post_json(
      kPath,
      R"({"prompt": [500], "max_tokens": 1, "logprobs": 1, "return_tokens_as_token_ids": true})"
  );
  EXPECT_EQ(json->text("/choices/0/logprobs/tokens/0"), "token_id:501");
}

TEST_F(CompletionTest, ReturnsTokenIdsIfAskedTo) {
  const std::string body = R"({"prompt": [500], "max_tokens": 2, "return_token_ids": true)";
  const auto json = server_.post_json(kPath, body + "}");
  EXPECT_EQ(json->show("/choices/0/token_ids"), "[501,502]");
  EXPECT_EQ(json->show("/choices/0/prompt_token_ids"), "[500]");
  const auto events = server_.stream(kPath, body + R"(, "stream": true})");
  std::string prompts;
  std::string outputs;
  for (const std::string& event : events) {
    prompts += JsonText(event).show("/choices/0/prompt_token_ids");
    outputs += JsonText(event).show("/choices/0/token_ids");
  }
  EXPECT_THAT(prompts, StartsWith("[500]"));
  EXPECT_EQ(prompts.find("[500]", 1), std::string::npos) << "once";
  EXPECT_THAT(outputs, HasSubstr("502]"));
}

TEST_F(CompletionTest, ShortensPromptsFromEitherEnd) {
  const std::string body =
      R"({"prompt": [500, 501, 700], "max_tokens": 1, "return_token_ids": true,
          "truncate_prompt_tokens": 2)";
  EXPECT_EQ(server_.post_json(kPath, body + "}")->show("/choices/0/prompt_token_ids"), "[501,700]");
  EXPECT_EQ(
      server_.post_json(kPath, body + R"(, "truncation_side": "right"})")
          ->show("/choices/0/prompt_token_ids"),
      "[500,501]"
  );
  EXPECT_THAT(
      server_.post(kPath, R"({"prompt": [500], "truncate_prompt_tokens": 200})").body,
      HasSubstr("truncate_prompt_tokens value (200) is greater than max_model_len (128).")
  );
}

TEST_F(CompletionTest, EchoesThePromptBeforeTheOutput) {
  const auto text = server_.post_json(kPath, R"({"prompt": "Hello", "max_tokens": 1, "echo": 1})");
  EXPECT_THAT(text->text("/choices/0/text"), StartsWith("Hello"));
  const auto ids = server_.post_json(kPath, R"({"prompt": [500], "max_tokens": 1, "echo": true})");
  EXPECT_EQ(ids->text("/choices/0/text"), decode({500, 501}));
  const auto events =
      server_.stream(kPath, R"({"prompt": [500], "max_tokens": 3, "echo": true, "stream": true})");
  EXPECT_EQ(test::joined(events, "/choices/0/text"), decode({500, 501, 502, 503}));
}

TEST_F(CompletionTest, StreamsWhatItWouldAnswer) {
  const std::string body = R"({"prompt": [500], "max_tokens": 20)";
  const auto whole = server_.post_json(kPath, body + "}");
  const auto events = server_.stream(kPath, body + R"(, "stream": true})");
  EXPECT_EQ(test::joined(events, "/choices/0/text"), whole->text("/choices/0/text"));
  int num_ends = 0;
  for (const std::string& event : events) {
    const JsonText json(event);
    EXPECT_EQ(json.text("/object"), "text_completion");
    EXPECT_EQ(json.text("/id"), "cmpl-0123");
    EXPECT_FALSE(json.has("/usage")) << "nobody asked for it";
    num_ends += json.at("/choices/0/finish_reason").is_string();
  }
  EXPECT_EQ(num_ends, 1);
  EXPECT_EQ(JsonText(events.back()).text("/choices/0/finish_reason"), "length");
}

TEST_F(CompletionTest, StreamsSeveralPromptsByTheirIndex) {
  const auto events = server_.stream(
      kPath,
      R"({"prompt": [[500], [600]], "n": 2, "temperature": 1, "max_tokens": 3, "stream": true})"
  );
  for (int index = 0; index < 4; ++index) {
    EXPECT_EQ(
        test::joined(events, "/choices/0/text", index),
        index < 2 ? decode({501, 502, 503}) : decode({601, 602, 603})
    );
  }
}

TEST_F(CompletionTest, StreamsLogprobsWithOffsetsThatGoOn) {
  const std::string body = R"({"prompt": [500], "max_tokens": 3, "logprobs": 1)";
  const auto whole = server_.post_json(kPath, body + "}");
  std::string offsets;
  for (const std::string& event : server_.stream(kPath, body + R"(, "stream": true})")) {
    const JsonText json(event);
    for (const auto offset : json.at("/choices/0/logprobs/text_offset").get_array())
      offsets += (offsets.empty() ? "" : ",") + std::to_string(int64_t(offset));
  }
  EXPECT_EQ("[" + offsets + "]", whole->show("/choices/0/logprobs/text_offset"));
}

TEST_F(CompletionTest, TellsUsageAsStreamOptionsSay) {
  const std::string body = R"({"prompt": [500, 501], "max_tokens": 3, "stream": true)";
  const auto at_end =
      server_.stream(kPath, body + R"(, "stream_options": {"include_usage": true}})");
  EXPECT_EQ(JsonText(at_end.back()).size("/choices"), 0u);
  EXPECT_EQ(
      JsonText(at_end.back()).show("/usage"),
      R"({"prompt_tokens":2,"total_tokens":5,"completion_tokens":3})"
  );
  for (size_t i = 0; i + 1 < at_end.size(); ++i)
    EXPECT_FALSE(JsonText(at_end[i]).has("/usage"));

  const auto always = server_.stream(
      kPath,
      body + R"(, "stream_options": {"include_usage": true, "continuous_usage_stats": true}})"
  );
  int64_t last = 0;
  for (size_t i = 0; i + 1 < always.size(); ++i) {
    const int64_t num_tokens = JsonText(always[i]).number("/usage/completion_tokens");
    EXPECT_GT(num_tokens, last);
    last = num_tokens;
  }
  EXPECT_EQ(last, 3);
  // Continuous usage belongs to usage.
  const auto never =
      server_.stream(kPath, body + R"(, "stream_options": {"continuous_usage_stats": true}})");
  for (const std::string& event : never)
    EXPECT_FALSE(JsonText(event).has("/usage"));
}

TEST_F(CompletionTest, ForcesUsageWhereTheServerSaysSo) {
  OpenAiServer server(
      test::counting_model(900, kEos),
      {.enable_prompt_tokens_details = true, .enable_force_include_usage = true}
  );
  const auto events = server.stream(kPath, R"({"prompt": [500], "max_tokens": 1, "stream": true})");
  EXPECT_EQ(
      JsonText(events.back()).show("/usage"),
      R"({"prompt_tokens":1,"total_tokens":2,"completion_tokens":1,)"
      R"("prompt_tokens_details":{"cached_tokens":0}})"
  );
}

TEST_F(CompletionTest, TakesIdsFromHeadersAndBodies) {
  const auto body = server_.post_json(kPath, R"({"prompt": [500], "request_id": "mine"})");
  EXPECT_EQ(body->text("/id"), "cmpl-mine");
  server_.next_request.headers.emplace_back("x-request-id", "0123");
  const auto header = server_.post_json(kPath, R"({"prompt": [500], "request_id": "mine"})");
  EXPECT_EQ(header->text("/id"), "cmpl-0123");
}

TEST(CompletionIds, OfTwoCallsMayBeTheSame) {
  // Nothing is answered, so that the first one goes on.
  OpenAiServer server(
      test::load_with_fake_core(std::make_unique<test::FakeEngineCoreClient>()), {}
  );
  const auto first = server.start(kPath, R"({"prompt": [500]})");
  const auto second = server.start(kPath, R"({"prompt": [500]})");
  EXPECT_EQ(first.streams.at(0)->request_id(), "cmpl-0123-0");
  EXPECT_THAT(second.streams.at(0)->request_id(), StartsWith("cmpl-0123-0-"));
}

TEST_F(CompletionTest, RefusesWhatTheModelCannotServe) {
  const auto model = server_.post(kPath, R"({"model": "other", "prompt": "Hi"})");
  EXPECT_EQ(model.status, 404);
  EXPECT_EQ(
      JsonText(model.body).show("/error"),
      R"({"message":"The model `other` does not exist.","type":"NotFoundError","param":"model",)"
      R"("code":404})"
  );
  const auto too_long = server_.post(kPath, R"({"prompt": [500], "max_tokens": 200})");
  EXPECT_EQ(too_long.status, 400);
  EXPECT_EQ(
      JsonText(too_long.body).text("/error/message"),
      "'max_tokens' or 'max_completion_tokens' is too large: 200. This model's maximum context "
      "length is 128 tokens and your request has 1 input tokens (200 > 128 - 1)."
  );
  EXPECT_THAT(server_.post(kPath, R"({"prompt": [99999]})").body, HasSubstr("out of vocabulary"));
  EXPECT_THAT(
      server_.post(kPath, R"({"prompt": [500], "logprobs": 21})").body,
      HasSubstr("greater than max allowed: 20")
  );
  EXPECT_THAT(
      server_.post(kPath, R"({"prompt": [500], "priority": 1})").body,
      HasSubstr("priority scheduling is not enabled")
  );
  EXPECT_EQ(server_.post(kPath, R"({"prompt": [500]})").status, 200) << "nobody was harmed";
}

TEST_F(CompletionTest, TellsHowFarAPromptIsTooLong) {
  std::string prompt = "[500";
  for (int i = 1; i < 128; ++i)
    prompt += ",500";
  const auto response = server_.post(kPath, R"({"prompt": )" + prompt + "]}");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(
      JsonText(response.body).text("/error/message"),
      "This model's maximum context length is 128 tokens. However, your request has 128 input "
      "tokens. Please reduce the length of the input messages."
  );
}

TEST(CompletionFailure, IsAnErrorOrAnEventThatSaysWhy) {
  auto core = std::make_unique<test::FakeEngineCoreClient>();
  test::FakeEngineCoreClient& engine = *core;
  OpenAiServer server(test::load_with_fake_core(std::move(core)), {});
  engine.die("out of luck");
  const auto response = server.post(kPath, R"({"prompt": [500]})");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(JsonText(response.body).text("/error/type"), "InternalServerError");
  EXPECT_THAT(JsonText(response.body).text("/error/message"), HasSubstr("out of luck"));
}

TEST_F(CompletionTest, RendersWithoutGenerating) {
  const auto json = server_.post_json(
      "/v1/completions/render", R"({"prompt": [[500], [600]], "max_tokens": 5, "top_k": 3})"
  );
  EXPECT_EQ(json->show("/1/token_ids"), "[600]");
  EXPECT_EQ(json->number("/0/sampling_params/max_tokens"), 5);
  EXPECT_EQ(json->number("/0/sampling_params/top_k"), 3);
}

TEST_F(CompletionTest, InvocationsAnswerAsTheEndpointDoes) {
  const std::string body = R"({"prompt": [500], "max_tokens": 3})";
  EXPECT_EQ(
      server_.post_json("/invocations", body)->show("/choices"),
      server_.post_json(kPath, body)->show("/choices")
  );
  EXPECT_EQ(server_.post("/invocations", R"({"input": "x"})").status, 400);
}

TEST_F(SmallChatCompletionTest, EchoShowsThePromptsLogprobs) {
  const auto json = server_->post_json(
      kPath, R"({"prompt": "The cat sat on the", "max_tokens": 2, "echo": true, "logprobs": 1})"
  );
  const std::string base = "/choices/0/logprobs";
  EXPECT_THAT(json->text("/choices/0/text"), StartsWith("The cat sat on the"));
  EXPECT_EQ(json->show(base + "/token_logprobs/0"), "null") << "nothing predicts it";
  EXPECT_EQ(json->show(base + "/top_logprobs/0"), "null");
  const size_t num_tokens = json->number("/usage/total_tokens");
  for (const char* list : {"/tokens", "/token_logprobs", "/top_logprobs", "/text_offset"})
    EXPECT_EQ(json->size(base + list), num_tokens) << list;
  std::string text;
  for (const auto token : json->at(base + "/tokens").get_array())
    text += std::string_view(token);
  EXPECT_EQ(text, json->text("/choices/0/text"));
}

TEST_F(SmallChatCompletionTest, EchoWithoutOutputGivesThePromptAlone) {
  const std::string body =
      R"({"prompt": "The cat sat", "max_tokens": 0, "echo": true, "logprobs": 0)";
  const auto json = server_->post_json(kPath, body + "}");
  EXPECT_EQ(json->text("/choices/0/text"), "The cat sat");
  EXPECT_EQ(json->text("/choices/0/finish_reason"), "length");
  EXPECT_EQ(json->number("/usage/completion_tokens"), 0);
  EXPECT_EQ(
      json->size("/choices/0/logprobs/tokens"),
      static_cast<size_t>(json->number("/usage/prompt_tokens"))
  );
  const auto events = server_->stream(kPath, body + R"(, "stream": true})");
  EXPECT_EQ(test::joined(events, "/choices/0/text"), "The cat sat");
  EXPECT_EQ(
      JsonText(events.front()).show("/choices/0/logprobs"), json->show("/choices/0/logprobs")
  );
}

TEST_F(SmallChatCompletionTest, PromptLogprobsHaveAnEntryPerToken) {
  const auto json = server_->post_json(
      kPath, R"({"prompt": ["The cat", "A dog ran"], "max_tokens": 1, "prompt_logprobs": 1})"
  );
  for (const std::string choice : {"/choices/0", "/choices/1"}) {
    EXPECT_EQ(json->show(choice + "/prompt_logprobs/0"), "null");
    EXPECT_GE(json->at(choice + "/prompt_logprobs/1").get_object().size(), 1u);
  }
  EXPECT_EQ(server_->post(kPath, R"({"prompt": "The cat", "prompt_logprobs": -1})").status, 400)
      << "more than max_logprobs";
}

TEST_F(SmallChatCompletionTest, StreamsWhatItWouldAnswer) {
  const std::string body =
      R"({"prompt": "Once upon a time", "max_tokens": 40, "temperature": 0, "stop": ["\n"])";
  const auto whole = server_->post_json(kPath, body + "}");
  const auto events = server_->stream(kPath, body + R"(, "stream": true})");
  EXPECT_EQ(test::joined(events, "/choices/0/text"), whole->text("/choices/0/text"));
  EXPECT_EQ(
      JsonText(events.back()).show("/choices/0/finish_reason"),
      whole->show("/choices/0/finish_reason")
  );
}

TEST_F(SmallChatCompletionTest, CompletionsOfOnePromptDiffer) {
  const auto json = server_->post_json(
      kPath, R"({"prompt": "Once", "n": 3, "seed": 5, "temperature": 1.5, "max_tokens": 20})"
  );
  std::set<std::string> texts;
  for (int i = 0; i < 3; ++i)
    texts.insert(json->text("/choices/" + std::to_string(i) + "/text"));
  EXPECT_THAT(texts, SizeIs(3));
}

}  // namespace
}  // namespace quire
