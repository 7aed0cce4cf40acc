#include "server/openai/completion_request.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "server/api_error.h"
#include "server/openai/content_type.h"
#include "support/captured_log.h"

namespace quire::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CompletionRequest parse(const std::string& body, const SamplingParams& defaults = {}) {
  UnknownFields unknown_fields;
  return parse_completion_request(body, defaults, unknown_fields);
}

// A request with one more field.
CompletionRequest parse_field(const std::string& field) {
  return parse(R"({"prompt": "Hi", )" + field + "}");
}

// What a client sees of a refusal: "param: message".
std::string refusal(const std::string& body) {
  try {
    parse(body);
  } catch (const ApiError& error) {
    EXPECT_EQ(error.info().status, 400);
    return error.info().param.value_or("") + ": " + error.what();
  } catch (const InvalidArgument& error) {
    return error.field() + ": " + error.what();
  }
  return "accepted";
}

std::string refusal_of_field(const std::string& field) {
  return refusal(R"({"prompt": "Hi", )" + field + "}");
}

const std::string& text_of(const CompletionRequest& request, size_t index) {
  return std::get<std::string>(request.prompts.at(index));
}

const std::vector<int32_t>& ids_of(const CompletionRequest& request, size_t index) {
  return std::get<std::vector<int32_t>>(request.prompts.at(index));
}

TEST(CompletionRequest, TakesAPromptInFourShapes) {
  EXPECT_EQ(text_of(parse(R"({"prompt": "Hi"})"), 0), "Hi");
  const auto texts = parse(R"({"prompt": ["Hi", "Ho"]})");
  EXPECT_EQ(texts.prompts.size(), 2u);
  EXPECT_EQ(text_of(texts, 1), "Ho");
  EXPECT_THAT(ids_of(parse(R"({"prompt": [1, 2, 3]})"), 0), ElementsAre(1, 2, 3));
  const auto lists = parse(R"({"prompt": [[1, 2], [3]]})");
  EXPECT_EQ(lists.prompts.size(), 2u);
  EXPECT_THAT(ids_of(lists, 1), ElementsAre(3));
}

TEST(CompletionRequest, NeedsAPrompt) {
  const std::string sentence =
      "prompt: Either prompt or prompt_embeds must be provided and non-empty.";
  for (const char* body : {"{}", R"({"prompt": ""})", R"({"prompt": null})", R"({"prompt": []})"}) {
    EXPECT_EQ(refusal(body), sentence) << body;
  }
}

TEST(CompletionRequest, RefusesPromptsOfMixedKinds) {
  EXPECT_THAT(refusal(R"({"prompt": ["a", 1]})"), HasSubstr("'loc': ('body', 'prompt', 1)"));
  EXPECT_THAT(refusal(R"({"prompt": [1, "a"]})"), HasSubstr("int_parsing"));
  EXPECT_THAT(refusal(R"({"prompt": [[1], "a"]})"), HasSubstr("list_type"));
  EXPECT_THAT(refusal(R"({"prompt": {"a": 1}})"), HasSubstr("list_type"));
  EXPECT_THAT(refusal(R"({"prompt": [-1]})"), HasSubstr("greater_than_equal"));
}

TEST(CompletionRequest, StartsFromTheDefaultsOfTheModel) {
  SamplingParams defaults;
  defaults.temperature = 0.3;
  defaults.top_k = 7;
  EXPECT_EQ(parse(R"({"prompt": "Hi"})", defaults).common.params.temperature, 0.3);
  const auto request = parse(R"({"prompt": "Hi", "temperature": 0.9, "top_k": null})", defaults);
  EXPECT_EQ(request.common.params.temperature, 0.9);
  EXPECT_EQ(request.common.params.top_k, 7) << "null is not given";
}

TEST(CompletionRequest, ReadsEverySamplingField) {
  const SamplingParams params = parse_field(R"(
    "n": 2, "presence_penalty": 0.5, "frequency_penalty": -0.5, "repetition_penalty": 1.5,
    "temperature": 0.7, "top_p": 0.9, "top_k": 5, "min_p": 0.1, "seed": 42, "stop": ["a", "b"],
    "stop_token_ids": [3, 4], "ignore_eos": true, "max_tokens": 9, "min_tokens": 2,
    "prompt_logprobs": 1, "skip_special_tokens": false, "spaces_between_special_tokens": false,
    "include_stop_str_in_output": true, "logit_bias": {"5": -100, "6": 1.5},
    "allowed_token_ids": [5, 6], "bad_words": ["c"],
    "repetition_detection": {"max_pattern_size": 4, "min_pattern_size": 2, "min_count": 3}
  )")
                                    .common.params;
  SamplingParams expected;
  expected.n = 2;
  expected.presence_penalty = 0.5;
  expected.frequency_penalty = -0.5;
  expected.repetition_penalty = 1.5;
  expected.temperature = 0.7;
  expected.top_p = 0.9;
  expected.top_k = 5;
  expected.min_p = 0.1;
  expected.seed = 42;
  expected.stop = {"a", "b"};
  expected.stop_token_ids = {3, 4};
  expected.ignore_eos = true;
  expected.max_tokens = 9;
  expected.min_tokens = 2;
  expected.prompt_logprobs = 1;
  expected.skip_special_tokens = false;
  expected.spaces_between_special_tokens = false;
  expected.include_stop_str_in_output = true;
  expected.logit_bias = {{5, -100.0f}, {6, 1.5f}};
  expected.allowed_token_ids = {5, 6};
  expected.bad_words = {"c"};
  expected.repetition_detection = {4, 2, 3};
  EXPECT_EQ(params, expected);
}

TEST(CompletionRequest, ReadsTheOtherFields) {
  const CommonRequest request = parse_field(R"(
    "model": "m", "request_id": "r", "stream": true,
    "stream_options": {"include_usage": true, "continuous_usage_stats": true}, "echo": true,
    "add_special_tokens": false, "truncate_prompt_tokens": -1, "truncation_side": "right",
    "return_token_ids": true, "return_tokens_as_token_ids": true, "cache_salt": "s", "priority": 3
  )")
                                    .common;
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.request_id, "r");
  EXPECT_TRUE(request.stream);
  EXPECT_TRUE(request.stream_options->include_usage);
  EXPECT_TRUE(request.stream_options->continuous_usage_stats);
  EXPECT_TRUE(request.echo);
  EXPECT_FALSE(request.add_special_tokens);
  EXPECT_EQ(request.truncation.truncate_prompt_tokens, -1);
  EXPECT_FALSE(request.truncation.keeps_end);
  EXPECT_TRUE(request.return_token_ids);
  EXPECT_EQ(request.return_tokens_as_token_ids, true);
  EXPECT_EQ(request.cache_salt, "s");
  EXPECT_EQ(request.priority, 3);
}

TEST(CompletionRequest, ConvertsAsPydanticDoes) {
  const auto params =
      parse_field(R"("max_tokens": "7", "top_k": 3.0, "temperature": "0.5", "ignore_eos": "yes")")
          .common.params;
  EXPECT_EQ(params.max_tokens, 7);
  EXPECT_EQ(params.top_k, 3);
  EXPECT_EQ(params.temperature, 0.5);
  EXPECT_TRUE(params.ignore_eos);
}

TEST(CompletionRequest, NamesTheFieldOfAWrongType) {
  struct Case {
    const char* field;
    const char* param;
    const char* detail;
  };
  constexpr Case kCases[] = {
      {R"("n": "x")", "n", "{'type': 'int_parsing', 'loc': ('body', 'n')"},
      {R"("n": [])", "n", "'type': 'int_type'"},
      {R"("max_tokens": 1.5)", "max_tokens", "'type': 'int_from_float'"},
      {R"("max_tokens": 99999999999)", "max_tokens", "'type': 'less_than_equal'"},
      {R"("temperature": {})", "temperature", "'type': 'float_type'"},
      {R"("temperature": "warm")", "temperature", "'type': 'float_parsing'"},
      {R"("stream": 3)", "stream", "'type': 'bool_type'"},
      {R"("stream": "maybe")", "stream", "'type': 'bool_parsing'"},
      {R"("model": 5)",
       "model",
       "'type': 'string_type', 'loc': ('body', 'model'), 'msg': "
       "'Input should be a valid string', 'input': 5}"},
      {R"("stop": [1])", "stop", "'loc': ('body', 'stop', 0)"},
      {R"("stop": 1)", "stop", "'type': 'list_type'"},
      {R"("stop_token_ids": ["a"])", "stop_token_ids", "'loc': ('body', 'stop_token_ids', 0)"},
      {R"("logit_bias": [])", "logit_bias", "'type': 'dict_type'"},
      {R"("logit_bias": {"5": "x"})", "logit_bias", "'loc': ('body', 'logit_bias', '5')"},
      {R"("stream_options": 1)", "stream_options", "'type': 'dict_type'"},
      {R"("truncate_prompt_tokens": -2)", "truncate_prompt_tokens", "'ctx': {'ge': -1}"},
      {R"("truncation_side": "up")", "truncation_side", "'type': 'literal_error'"},
      {R"("priority": "first")", "priority", "'type': 'int_parsing'"},
  };
  for (const Case& wrong : kCases) {
    const std::string told = refusal_of_field(wrong.field);
    EXPECT_EQ(told.substr(0, told.find(':')), wrong.param) << told;
    EXPECT_THAT(told, HasSubstr("1 validation error:\n  {'type': '")) << wrong.field;
    EXPECT_THAT(told, HasSubstr(wrong.detail));
  }
}

TEST(CompletionRequest, KnowsTheLimitsOfASeed) {
  EXPECT_EQ(
      parse_field(R"("seed": -9223372036854775808)").common.params.seed,
      std::numeric_limits<int64_t>::min()
  );
  EXPECT_THAT(refusal_of_field(R"("seed": 9223372036854775808)"), HasSubstr("less_than_equal"));
  EXPECT_THAT(refusal_of_field(R"("seed": -9223372036854775809)"), HasSubstr("greater_than_equal"));
  EXPECT_THAT(
      refusal_of_field(R"("seed": 999999999999999999999999, "user": "99999999999999999999")"),
      HasSubstr("less_than_equal")
  );
}

TEST(CompletionRequest, GivesTheSentencesOfVllm) {
  struct Case {
    const char* field;
    const char* sentence;
  };
  constexpr Case kCases[] = {
      {R"("logprobs": -1)", "logprobs: `logprobs` must be a positive value."},
      {R"("prompt_logprobs": -2)",
       "prompt_logprobs: `prompt_logprobs` must be a positive value or -1."},
      {R"("prompt_logprobs": 1, "stream": true)",
       "prompt_logprobs: `prompt_logprobs` are not available when `stream=True`."},
      {R"("cache_salt": "")",
       "cache_salt: Parameter 'cache_salt' must be a non-empty string if provided."},
      {R"("cache_salt": 5)",
       "cache_salt: Parameter 'cache_salt' must be a non-empty string if provided."},
      {R"("stream_options": {"include_usage": true})",
       "stream_options: Stream options can only be defined when `stream=True`."},
      {R"("stream_options": {"include_usage": false}, "stream": false)",
       "stream_options: Stream options can only be defined when `stream=True`."},
      {R"("max_tokens": 0)", "max_tokens: max_tokens must be at least 1, got 0."},
      {R"("temperature": -1)", "temperature: temperature must be non-negative, got -1."},
      {R"("n": 2, "temperature": 0)", "n: n must be 1 when using greedy sampling, got 2."},
      {R"("min_tokens": 20)",
       "min_tokens: min_tokens must be less than or equal to max_tokens=16, got 20."},
      {R"("stop": "")", "stop: stop cannot contain an empty string."},
  };
  for (const Case& wrong : kCases)
    EXPECT_EQ(refusal_of_field(wrong.field), wrong.sentence) << wrong.field;
}

TEST(CompletionRequest, RefusesWhatItDoesNotDoWithAnAdvice) {
  for (const std::string field :
       {R"("use_beam_search": true)",
        R"("structured_outputs": {"regex": "a"})",
        R"("guided_json": {"type": "object"})",
        R"("suffix": "end")",
        R"("prompt_embeds": "AA")",
        R"("vllm_xargs": {"a": 1})",
        R"("thinking_token_budget": 5)",
        R"("logits_processors": ["a"])",
        R"("kv_transfer_params": {"a": 1})"}) {
    EXPECT_THAT(refusal_of_field(field), HasSubstr("is not supported. ")) << field;
  }
  EXPECT_THAT(refusal_of_field(R"("length_penalty": 0.5)"), HasSubstr("beam search"));
  EXPECT_THAT(refusal_of_field(R"("best_of": 3)"), HasSubstr("best_of is not supported."));
}

TEST(CompletionRequest, TakesWhatAsksForNothing) {
  parse_field(R"("use_beam_search": false, "structured_outputs": null, "suffix": "",
                 "best_of": 1, "length_penalty": 1.0, "vllm_xargs": {}, "user": "me",
                 "stream_options": {}, "guided_regex": null)");
}

TEST(CompletionRequest, CollectsUnknownFields) {
  UnknownFields unknown_fields;
  const std::string body = R"({"prompt": "Hi", "no_such_field": 1, "user": "me"})";
  parse_completion_request(body, {}, unknown_fields);
  parse_completion_request(body, {}, unknown_fields);
  EXPECT_EQ(unknown_fields.count(), 1u);
}

TEST(CompletionRequest, CollectsUnknownMembersOfFields) {
  UnknownFields unknown_fields;
  const test::CapturedLog log;
  const std::string body = R"({"prompt": "Hi", "stream": true,
      "stream_options": {"include_usage": true, "include_usages": true},
      "repetition_detection": {"max_pattern_size": 4, "min_pattern_size": 2, "min_count": 3,
                               "max_patern_size": 5}})";
  const CompletionRequest request = parse_completion_request(body, {}, unknown_fields);
  EXPECT_TRUE(request.common.stream_options->include_usage);
  EXPECT_EQ(unknown_fields.count(), 2u);
  EXPECT_THAT(log.text(), HasSubstr("field 'stream_options.include_usages'"));
  EXPECT_THAT(log.text(), HasSubstr("field 'repetition_detection.max_patern_size'"));
}

TEST(CompletionRequest, RefusesToKeepNothingOfThePrompt) {
  EXPECT_THAT(
      refusal_of_field(R"("truncate_prompt_tokens": 0)"),
      ::testing::StartsWith("truncate_prompt_tokens: truncate_prompt_tokens=0 leaves no prompt.")
  );
}

TEST(CompletionRequest, SaysWhereCodeForTokensCanRun) {
  for (const char* field : {R"("logits_processors": ["m.f"])", R"("vllm_xargs": {"a": 1})"})
    EXPECT_THAT(refusal_of_field(field), HasSubstr("LLM(logits_processors=[…])")) << field;
}

TEST(CompletionRequest, BoundsWhatOneClientMayAskFor) {
  std::string stops = R"("stop": ["a")";
  for (size_t i = 0; i < kMaxStopStrings; ++i)
    stops += R"(,"a")";
  EXPECT_THAT(refusal_of_field(stops + "]"), HasSubstr("at most 256 are allowed"));
  EXPECT_THAT(refusal_of_field(R"("n": 16385)"), HasSubstr("n must be at most 16384, got 16385."));
  EXPECT_THAT(
      refusal(R"({"prompt": ["a", "b"], "n": 16384})"), HasSubstr("2 prompts with n=16384")
  );
  EXPECT_THAT(
      refusal_of_field(R"("request_id": ")" + std::string(300, 'x') + "\""),
      HasSubstr("longer than 256 bytes")
  );
}

TEST(CompletionRequest, EchoWithoutOutputAsksForThePromptAlone) {
  const auto request = parse_field(R"("echo": true, "max_tokens": 0, "logprobs": 2)");
  EXPECT_TRUE(request.is_prompt_only);
  EXPECT_EQ(request.common.max_tokens, 1) << "what the engine has to compute";
  EXPECT_EQ(request.common.params.prompt_logprobs, 2);
}

TEST(CompletionRequest, RefusesBodiesThatAreNoJsonObject) {
  EXPECT_THAT(refusal("{\"prompt\": "), HasSubstr("'type': 'json_invalid'"));
  EXPECT_THAT(refusal(""), HasSubstr("json_invalid"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("Input should be a valid dictionary"));
  EXPECT_THAT(refusal("{\"prompt\": \"\xff\"}"), HasSubstr("json_invalid"));
  EXPECT_THAT(refusal(R"({"prompt": "a", "temperature": 1e999})"), HasSubstr("json_invalid"));
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  EXPECT_THAT(refusal(R"({"prompt": "a", "x": )" + deep + "}"), HasSubstr("nested too deeply"));
}

TEST(ContentType, MustBeJson) {
  HttpRequest request;
  EXPECT_THROW(check_content_type(request), ApiError);
  request.headers = {{"content-type", "text/plain"}};
  EXPECT_THROW(check_content_type(request), ApiError);
  request.headers = {{"content-type", "Application/JSON; charset=utf-8"}};
  EXPECT_NO_THROW(check_content_type(request));
}

}  // namespace
}  // namespace quire::server
