#include "quire/request_json.h"

#include <string>

#include <gtest/gtest.h>

#include "config/field_visitor.h"
#include "quire/error.h"

namespace quire {
namespace {

using Ids = std::vector<int32_t>;

ParsedRequest parse(std::string_view line, const SamplingParams& defaults = {}) {
  return parse_request_json(line, defaults);
}

// The parameters of {"prompt": "p", <fields>}.
SamplingParams params_of(const std::string& fields, const SamplingParams& defaults = {}) {
  return parse(R"({"prompt": "p", )" + fields + "}", defaults).params;
}

void expect_refused(
    const std::string& line, const std::string& field, const std::string& text = ""
) {
  try {
    parse(line);
    ADD_FAILURE() << "accepted: " << line;
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), field) << error.what();
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

void expect_field_refused(
    const std::string& fields, const std::string& field, const std::string& text = ""
) {
  expect_refused(R"({"prompt": "p", )" + fields + "}", field, text);
}

TEST(ParseRequestJson, ReadsTextWithTheDefaults) {
  const SamplingParams defaults{.temperature = 0.6, .top_p = 0.95};
  const ParsedRequest request = parse(R"({"prompt": "Hallo, Wörld"})", defaults);
  EXPECT_EQ(request.prompt.text, "Hallo, Wörld");
  EXPECT_TRUE(request.prompt.token_ids.empty());
  EXPECT_EQ(request.messages_json, "");
  EXPECT_EQ(request.request_id, std::nullopt);
  EXPECT_EQ(request.priority, 0);
  EXPECT_EQ(request.params, defaults);
}

TEST(ParseLogitBiasJson, ReadsIdsAndNamesTheField) {
  EXPECT_EQ(
      parse_logit_bias_json(R"({"5": -1.5, "7": 2})"),
      (std::map<int32_t, float>{{5, -1.5f}, {7, 2.0f}})
  );
  for (const char* json : {"", "{", "[]", "5", R"({"x": 1})", R"({"5": "much"})", "{}, {}"}) {
    try {
      parse_logit_bias_json(json);
      ADD_FAILURE() << "accepted: " << json;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "logit_bias") << json;
    }
  }
}

TEST(ParseRequestJson, ReadsTokenIdsAndTheRequestsOwnFields) {
  const ParsedRequest request = parse(
      R"({"request_id": "a-1", "prompt_token_ids": [1, 2, 3], "priority": -4, "cache_salt": "s"})"
  );
  EXPECT_EQ(request.request_id, "a-1");
  EXPECT_EQ(request.prompt.token_ids, (Ids{1, 2, 3}));
  EXPECT_EQ(request.priority, -4);
  EXPECT_EQ(request.prompt.cache_salt, "s");
}

TEST(ParseRequestJson, ReadsMessages) {
  const ParsedRequest request = parse(R"({
      "messages": [{"role": "user", "content": "Hi \"you\""}],
      "tools": [{"type": "function"}],
      "chat_template_kwargs": {"enable_thinking": false},
      "add_generation_prompt": false,
      "continue_final_message": true})");
  EXPECT_EQ(request.messages_json, R"([{"role":"user","content":"Hi \"you\""}])");
  EXPECT_EQ(request.chat.tools_json, R"([{"type":"function"}])");
  EXPECT_EQ(request.chat.chat_template_kwargs_json, R"({"enable_thinking":false})");
  EXPECT_FALSE(request.chat.add_generation_prompt);
  EXPECT_TRUE(request.chat.continue_final_message);
}

TEST(ParseRequestJson, ReadsEverySamplingField) {
  const SamplingParams params = params_of(R"(
      "n": 2, "presence_penalty": 0.5, "frequency_penalty": -1, "repetition_penalty": 1.1,
      "temperature": 0.7, "top_p": 0.9, "top_k": 5, "min_p": 0.05, "seed": 9007199254740993,
      "stop": ["a", "b"], "stop_token_ids": [7, 8], "ignore_eos": true, "max_tokens": 40,
      "min_tokens": 3, "logprobs": 2, "prompt_logprobs": 0, "logprob_token_ids": [4, 5],
      "detokenize": true, "skip_special_tokens": false, "spaces_between_special_tokens": false,
      "include_stop_str_in_output": true, "allowed_token_ids": [1, 2], "bad_words": ["x"],
      "skip_reading_prefix_cache": true, "logit_bias": {"3": 1.5, "4": -200},
      "repetition_detection": {"max_pattern_size": 4, "min_pattern_size": 2, "min_count": 3},
      "output_kind": "final_only")");
  const SamplingParams expected{
      .n = 2,
      .presence_penalty = 0.5,
      .frequency_penalty = -1.0,
      .repetition_penalty = 1.1,
      .temperature = 0.7,
      .top_p = 0.9,
      .top_k = 5,
      .min_p = 0.05,
      .seed = 9007199254740993,
      .stop = {"a", "b"},
      .stop_token_ids = {7, 8},
      .ignore_eos = true,
      .max_tokens = 40,
      .min_tokens = 3,
      .logprobs = 2,
      .prompt_logprobs = 0,
      .logprob_token_ids = Ids{4, 5},
      .detokenize = true,
      .skip_special_tokens = false,
      .spaces_between_special_tokens = false,
      .include_stop_str_in_output = true,
      .output_kind = RequestOutputKind::kFinalOnly,
      .logit_bias = {{3, 1.5f}, {4, -100.0f}},
      .allowed_token_ids = Ids{1, 2},
      .bad_words = {"x"},
      .repetition_detection =
          RepetitionDetection{.max_pattern_size = 4, .min_pattern_size = 2, .min_count = 3},
      .skip_reading_prefix_cache = true};
  EXPECT_EQ(params, expected);
}

// A field that is added to the list later is known here without another line.
TEST(ParseRequestJson, KnowsEveryFieldOfTheVisitor) {
  SamplingParams params;
  visit_sampling_fields(params, [&](const char* name, auto&, const char*, const char*) {
    EXPECT_NO_THROW(params_of("\"" + std::string(name) + "\": null")) << name;
  });
}

TEST(ParseRequestJson, TakesASingleStopString) {
  EXPECT_EQ(params_of(R"("stop": "END")").stop, std::vector<std::string>{"END"});
}

TEST(ParseRequestJson, TakesOutputKindsByNameAndNumber) {
  EXPECT_EQ(params_of(R"("output_kind": "delta")").output_kind, RequestOutputKind::kDelta);
  EXPECT_EQ(params_of(R"("output_kind": 0)").output_kind, RequestOutputKind::kCumulative);
  EXPECT_EQ(params_of(R"("output_kind": 2)").output_kind, RequestOutputKind::kFinalOnly);
  expect_field_refused(R"("output_kind": 3)", "output_kind");
  expect_field_refused(R"("output_kind": "all")", "output_kind", "cumulative, delta or final_only");
  expect_field_refused(R"("output_kind": 1.0)", "output_kind");
}

TEST(ParseRequestJson, TakesNullAsNotGivenOrNone) {
  const SamplingParams defaults{.temperature = 0.5, .seed = 4, .max_tokens = 7};
  const SamplingParams params = params_of(
      R"("temperature": null, "seed": null, "max_tokens": null, "logit_bias": null, "stop": null)",
      defaults
  );
  EXPECT_EQ(params.temperature, 0.5);
  EXPECT_EQ(params.seed, std::nullopt);
  EXPECT_EQ(params.max_tokens, std::nullopt);
  EXPECT_EQ(parse(R"({"prompt": "p", "messages": null, "tools": null})").prompt.text, "p");
}

TEST(ParseRequestJson, RefusesTextThatIsNoObject) {
  for (const char* line :
       {"",
        " ",
        "{",
        "nonsense",
        R"({"prompt": "a"} x)",
        "{\"prompt\": \"\xff\"}",
        R"({"prompt": "a",})",
        R"({"temperature": 1e999, "prompt": "a"})"}) {
    expect_refused(line, "request", "not valid JSON");
  }
  for (const char* line : {"[]", "3", "\"prompt\"", "null"}) {
    expect_refused(line, "request", "must be a JSON object");
  }
  expect_refused(std::string(2000, '['), "request");
}

TEST(ParseRequestJson, NeedsExactlyOnePrompt) {
  expect_refused("{}", "prompt", "exactly one");
  expect_refused(R"({"prompt": "a", "prompt_token_ids": [1]})", "prompt", "got 2");
  expect_refused(R"({"prompt_token_ids": []})", "prompt_token_ids", "cannot be empty");
  expect_refused(R"({"messages": []})", "messages", "cannot be empty");
  expect_refused(R"({"messages": [{"content": "a"}]})", "messages", "role");
  expect_refused(R"({"messages": ["a"]})", "messages", "role");
}

TEST(ParseRequestJson, NamesFieldsOfWrongType) {
  expect_refused(R"({"prompt": 3})", "prompt", "prompt must be a string, got 3.");
  expect_refused(R"({"prompt_token_ids": "1"})", "prompt_token_ids", "list of integers");
  expect_refused(R"({"prompt_token_ids": [1, 2.5]})", "prompt_token_ids", "got 2.5");
  expect_refused(R"({"prompt_token_ids": [4294967296]})", "prompt_token_ids", "32-bit");
  expect_field_refused(R"("temperature": "hot")", "temperature", "must be a number, got \"hot\"");
  expect_field_refused(R"("top_k": 2.0)", "top_k", "must be an integer");
  expect_field_refused(R"("n": 3000000000)", "n", "32-bit");
  expect_field_refused(R"("seed": 18446744073709551615)", "seed", "64-bit");
  expect_field_refused(R"("ignore_eos": 1)", "ignore_eos", "true or false");
  expect_field_refused(R"("stop": [1])", "stop", "list of strings");
  expect_field_refused(R"("logit_bias": [1])", "logit_bias", "object");
  expect_field_refused(R"("logit_bias": {"a": 1})", "logit_bias", "'a', which is no token id");
  expect_field_refused(R"("logit_bias": {"1": "2"})", "logit_bias", "number");
  expect_field_refused(R"("repetition_detection": {"size": 2})", "repetition_detection", "'size'");
  expect_field_refused(R"("request_id": "")", "request_id", "non-empty");
  expect_field_refused(R"("cache_salt": "")", "cache_salt", "non-empty string if provided");
  expect_field_refused(R"("priority": "high")", "priority", "integer");
}

TEST(ParseRequestJson, RefusesWhatValidateRefuses) {
  expect_field_refused(R"("top_p": 1.5)", "top_p", "top_p must be in (0, 1], got 1.5.");
  expect_field_refused(R"("n": 2, "temperature": 0)", "n", "greedy");
  expect_field_refused(R"("stop": "x", "detokenize": false)", "stop");
}

TEST(ParseRequestJson, RefusesChatFieldsWithoutMessages) {
  expect_field_refused(R"("tools": [])", "tools", "goes with messages");
  expect_field_refused(R"("continue_final_message": false)", "continue_final_message");
  expect_refused(
      R"({"messages": [{"role": "user"}], "continue_final_message": true})",
      "continue_final_message",
      "Cannot set both"
  );
}

TEST(ParseRequestJson, SuggestsTheNearestNameForAMisspeltField) {
  expect_field_refused(R"("temprature": 0.5)", "temprature", "Did you mean 'temperature'?");
  expect_field_refused(R"("maxtokens": 5)", "maxtokens", "Did you mean 'max_tokens'?");
  expect_field_refused(R"("top-p": null)", "top-p", "Did you mean 'top_p'?");
  expect_field_refused(R"("zzzzzzzzzzzz": 5)", "zzzzzzzzzzzz", "Known fields: prompt,");
}

TEST(ParseRequestJson, RefusesAFieldThatIsGivenTwice) {
  expect_field_refused(R"("top_k": 1, "top_k": 2)", "top_k", "twice");
}

TEST(ParseRequestJson, SaysWhatToDoInsteadOfWhatIsNotSupported) {
  for (const char* name :
       {"structured_outputs",
        "response_format",
        "guided_json",
        "guided_decoding_backend",
        "speculative_config",
        "best_of",
        "logits_processors",
        "flat_logprobs",
        "thinking_token_budget",
        "extra_args",
        "vllm_xargs",
        "routed_experts_prompt_start",
        "prompt_embeds",
        "multi_modal_data",
        "lora_request",
        "use_beam_search",
        "echo",
        "max_completion_tokens",
        "eos_token_id",
        "bad_words_token_ids"}) {
    const std::string field = "\"" + std::string(name) + "\": ";
    expect_field_refused(field + "{}", name, "is not supported. ");
    expect_field_refused(field + "3", name, "is not supported. ");
    EXPECT_NO_THROW(params_of(field + "null")) << name;
    EXPECT_NO_THROW(params_of(field + "false")) << name;
  }
}

TEST(ParseRequestJson, SaysWhereCodeForTokensCanRun) {
  for (const char* name : {"logits_processors", "extra_args", "vllm_xargs"}) {
    const std::string field = "\"" + std::string(name) + R"(": {"a": 1})";
    expect_field_refused(field, name, "LLM(logits_processors=[…])");
  }
}

}  // namespace
}  // namespace quire
