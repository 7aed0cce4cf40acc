#include "server/openai/chat_request.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "server/api_error.h"

namespace quire::server {
namespace {

using ::testing::HasSubstr;

constexpr const char* kTools =
    R"("tools": [{"type": "function", "function": {"name": "f", "strict": true}}])";

ChatRequest parse(const std::string& body) {
  UnknownFields unknown_fields;
  return parse_chat_request(body, {}, unknown_fields);
}

std::string with_message(const std::string& fields) {
  return R"({"messages": [{"role": "user", "content": "Hi"}])" +
         (fields.empty() ? "" : ", " + fields) + "}";
}

ChatRequest parse_field(const std::string& fields) {
  return parse(with_message(fields));
}

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

std::string refusal_of_field(const std::string& fields) {
  return refusal(with_message(fields));
}

TEST(ChatRequest, ReadsAConversation) {
  const ChatRequest request = parse(
      R"({"messages": [{"role": "system", "content": "Be brief."},
                       {"role": "user", "content": [{"type": "text", "text": "a"},
                                                    {"type": "text", "text": "b"}]}]})"
  );
  EXPECT_EQ(request.last_role, "user");
  EXPECT_EQ(request.last_content, "a\nb");
  EXPECT_TRUE(request.call.add_generation_prompt);
  EXPECT_FALSE(request.call.continue_final_message);
  EXPECT_FALSE(request.common.add_special_tokens);
  EXPECT_EQ(request.common.max_tokens, std::nullopt) << "as long as the model takes";
  EXPECT_EQ(request.common.params.logprobs, std::nullopt);
}

TEST(ChatRequest, ReadsEveryFieldOfItsOwn) {
  const ChatRequest request = parse_field(R"(
    "max_tokens": 5, "max_completion_tokens": 7, "logprobs": true, "top_logprobs": 3,
    "add_generation_prompt": false, "continue_final_message": true, "chat_template": "{{ 1 }}",
    "chat_template_kwargs": {"enable_thinking": false}, "documents": [{"text": "d"}],
    "reasoning_effort": "low", "include_reasoning": false, "parallel_tool_calls": false,
    "response_format": {"type": "text"}, "truncate_prompt_tokens": 4, "cache_salt": "s",
    "priority": 2
  )");
  const ChatCall call = make_chat_call(request, "chatcmpl-1");
  EXPECT_EQ(call.request_id, "chatcmpl-1");
  EXPECT_EQ(call.max_tokens, 7) << "max_completion_tokens is the newer name";
  EXPECT_EQ(call.params.logprobs, 3);
  EXPECT_FALSE(call.add_generation_prompt);
  EXPECT_TRUE(call.continue_final_message);
  EXPECT_EQ(call.chat_template, "{{ 1 }}");
  EXPECT_EQ(call.chat_template_kwargs_json, R"({"enable_thinking":false})");
  EXPECT_EQ(call.documents_json, R"([{"text":"d"}])");
  EXPECT_EQ(call.reasoning_effort, "low");
  EXPECT_EQ(call.truncation.truncate_prompt_tokens, 4);
  EXPECT_EQ(call.cache_salt, "s");
  EXPECT_EQ(call.priority, 2);
  EXPECT_FALSE(request.include_reasoning);
  EXPECT_FALSE(request.parallel_tool_calls);
}

TEST(ChatRequest, ShowsToolsAsTheirFullDefinitions) {
  const ChatRequest request = parse_field(kTools);
  EXPECT_TRUE(request.call.may_call_tools) << "tool_choice is auto where there are tools";
  EXPECT_EQ(
      request.call.tools_json,
      R"([{"type": "function", "function": {"name": "f", "description": null, "parameters": null, )"
      R"("strict": true}}])"
  );
}

TEST(ChatRequest, ToolChoiceNoneSwitchesCallsOff) {
  const ChatRequest request = parse_field(std::string(kTools) + R"(, "tool_choice": "none")");
  EXPECT_FALSE(request.call.may_call_tools);
  EXPECT_TRUE(request.has_tools_switched_off);
  EXPECT_FALSE(request.call.tools_json.empty()) << "the template still shows them";
  EXPECT_FALSE(parse_field(R"("tool_choice": "none")").call.may_call_tools);
  EXPECT_FALSE(parse_field(R"("tool_choice": null)").call.may_call_tools);
}

TEST(ChatRequest, TellsWhatIsWrongWithToolsAndTheirChoice) {
  const std::string tools = std::string(kTools) + ", ";
  EXPECT_THAT(refusal_of_field(R"("tools": [])"), HasSubstr("`tools` must not be an empty array."));
  EXPECT_EQ(
      refusal_of_field(R"("tool_choice": "auto")"),
      "tool_choice: When using `tool_choice`, `tools` must be set."
  );
  EXPECT_EQ(
      refusal_of_field(tools + R"("tool_choice": "maybe")"),
      "tool_choice: Invalid value for `tool_choice`: maybe! Only named tools, \"none\", \"auto\" "
      "or "
      "\"required\" are supported."
  );
  EXPECT_EQ(
      refusal_of_field(tools + R"("tool_choice": {"type": "function", "function": {"name": "g"}})"),
      "tool_choice: The tool specified in `tool_choice` does not match any of the specified `tools`"
  );
  EXPECT_THAT(
      refusal_of_field(tools + R"("tool_choice": {"function": {}})"),
      HasSubstr("Expected field `name` in `function` in `tool_choice`!")
  );
  for (const std::string choice :
       {R"("required")", R"({"type": "function", "function": {"name": "f"}})"}) {
    EXPECT_THAT(
        refusal_of_field(tools + R"("tool_choice": )" + choice),
        HasSubstr("need constrained output, which is not supported yet: use \"auto\"")
    );
  }
  EXPECT_THAT(
      refusal_of_field(R"("tools": [{"type": "function", "function": {}}])"),
      HasSubstr("{'type': 'missing', 'loc': ('body', 'tools', 0, 'function', 'name')")
  );
  EXPECT_THAT(refusal_of_field(R"("tools": [{"type": "retrieval"}])"), HasSubstr("literal_error"));
}

TEST(ChatRequest, NeedsMessagesWithRoles) {
  EXPECT_THAT(refusal("{}"), HasSubstr("'type': 'missing', 'loc': ('body', 'messages')"));
  EXPECT_EQ(refusal(R"({"messages": []})"), "messages: messages cannot be empty.");
  EXPECT_THAT(
      refusal(R"({"messages": [{"content": "a"}]})"), HasSubstr("('body', 'messages', 0, 'role')")
  );
  EXPECT_THAT(refusal(R"({"messages": "a"})"), HasSubstr("list_type"));
  EXPECT_THAT(refusal(R"({"messages": [1]})"), HasSubstr("dict_type"));
}

TEST(ChatRequest, GivesTheSentencesOfVllm) {
  EXPECT_EQ(
      refusal_of_field(R"("top_logprobs": 5)"),
      "top_logprobs: when using `top_logprobs`, `logprobs` must be set to true."
  );
  EXPECT_EQ(
      refusal_of_field(R"("logprobs": true, "top_logprobs": -2)"),
      "top_logprobs: `top_logprobs` must be a positive value or -1."
  );
  EXPECT_EQ(
      refusal_of_field(R"("continue_final_message": true)"),
      "continue_final_message: Cannot set both `continue_final_message` and "
      "`add_generation_prompt` to True."
  );
  EXPECT_THAT(refusal_of_field(R"("logprobs": 7)"), HasSubstr("Input should be a valid boolean"));
}

TEST(ChatRequest, RefusesFormatsOfTheAnswer) {
  for (const std::string format :
       {R"({"type": "json_object"})", R"({"type": "json_schema", "json_schema": {}})"}) {
    EXPECT_THAT(
        refusal_of_field(R"("response_format": )" + format),
        HasSubstr("Constrained output is not supported yet")
    );
  }
  EXPECT_THAT(refusal_of_field(R"("response_format": {})"), HasSubstr("'type': 'missing'"));
}

TEST(ChatRequest, RefusesTemplateVariablesThatAreNone) {
  EXPECT_EQ(
      refusal_of_field(R"("chat_template_kwargs": {"tokenize": false})"),
      "chat_template_kwargs: Found unexpected chat template kwargs from request: {'tokenize'}"
  );
  EXPECT_THAT(refusal_of_field(R"("chat_template_kwargs": 1)"), HasSubstr("dict_type"));
  EXPECT_THAT(refusal_of_field(R"("reasoning_effort": "lots")"), HasSubstr("literal_error"));
}

}  // namespace
}  // namespace quire::server
