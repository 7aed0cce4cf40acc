#include "server/responses/input_items.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::server {
namespace {

std::string messages_of(const std::string& body) {
  const JsonBody json(body, BodyStyle::kPath);
  ChatMessagesWriter messages;
  add_input_items(messages, json.value());
  return messages.finish();
}

std::string field_of_error(const std::string& body) {
  try {
    messages_of(body);
  } catch (const InvalidArgument& error) {
    return error.field();
  }
  return "no error";
}

TEST(InputItemsTest, ATextIsTheUsersMessage) {
  EXPECT_EQ(messages_of(R"({"input": "Hi"})"), R"([{"role":"user","content":"Hi"}])");
}

TEST(InputItemsTest, DevelopersSpeakAsTheSystem) {
  EXPECT_EQ(
      messages_of(R"({"input": [{"role": "developer", "content": "Be brief."}]})"),
      R"([{"role":"system","content":"Be brief."}])"
  );
}

TEST(InputItemsTest, PartsOfAMessageAreLines) {
  EXPECT_EQ(
      messages_of(R"({"input": [{"type": "message", "role": "user", "content": [
          {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]}]})"),
      R"([{"role":"user","content":"a\nb"}])"
  );
}

TEST(InputItemsTest, OneTurnOfTheAssistantIsOneMessage) {
  EXPECT_EQ(
      messages_of(R"({"input": [
        {"role": "user", "content": "Weather?"},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{\"a\":1}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sun"},
        {"type": "function_call_output", "call_id": "c2", "output": [
            {"type": "input_text", "text": "rain"}]}]})"),
      R"([{"role":"user","content":"Weather?"},)"
      R"({"role":"assistant","content":"ok","reasoning":"hm","tool_calls":[)"
      R"({"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}, )"
      R"({"id":"c2","type":"function","function":{"name":"g","arguments":"{\"a\":1}"}}]},)"
      R"({"role":"tool","tool_call_id":"c1","content":"sun"},)"
      R"({"role":"tool","tool_call_id":"c2","content":"rain"}])"
  );
}

TEST(InputItemsTest, ErrorsNameThePlace) {
  EXPECT_EQ(field_of_error("{}"), "input");
  EXPECT_EQ(field_of_error(R"({"input": 5})"), "input");
  EXPECT_EQ(field_of_error(R"({"input": []})"), "input");
  EXPECT_EQ(field_of_error(R"({"input": ["Hi"]})"), "input[0]");
  EXPECT_EQ(field_of_error(R"({"input": [{"role": "user"}]})"), "input[0].content");
  EXPECT_EQ(field_of_error(R"({"input": [{"role": "judge", "content": ""}]})"), "input[0].role");
  EXPECT_EQ(
      field_of_error(R"({"input": [{"type": "item_reference", "id": "x"}]})"), "input[0].type"
  );
  EXPECT_EQ(
      field_of_error(R"({"input": [{"role": "user", "content": [
          {"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "x"}]}]})"),
      "input[0].content[1].type"
  );
  EXPECT_EQ(
      field_of_error(R"({"input": [{"type": "reasoning", "encrypted_content": "x"}]})"),
      "input[0].encrypted_content"
  );
  EXPECT_EQ(
      field_of_error(R"({"input": [{"role": "user", "content": "Hi"},
          {"type": "function_call", "call_id": "c", "name": "f", "arguments": "no json"}]})"),
      "input[1].arguments"
  );
}

TEST(InputItemsTest, ToolsBecomeThoseOfAChat) {
  const JsonBody json(
      R"({"tools": [{"type": "function", "name": "f", "parameters": {"type": "object"},
      "strict": true}]})",
      BodyStyle::kPath
  );
  EXPECT_EQ(
      chat_tools_json(json.value()),
      R"([{"type":"function","function":{"name":"f","description":null,)"
      R"("parameters":{"type":"object"},"strict":true}}])"
  );
  EXPECT_EQ(
      response_tools_json(json.value()),
      R"([{"type":"function","name":"f","description":null,)"
      R"("parameters":{"type":"object"},"strict":true}])"
  );
}

TEST(InputItemsTest, BuiltInToolsAreRefused) {
  const JsonBody json(R"({"tools": [{"type": "web_search"}]})", BodyStyle::kPath);
  EXPECT_THROW(chat_tools_json(json.value()), InvalidArgument);
}

}  // namespace
}  // namespace quire::server
