#include "engine/chat_messages.h"

#include <string>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "quire/error.h"

namespace quire {
namespace {

// Without spaces, so that expectations are short.
std::string converted(const std::string& messages, ContentFormat format = ContentFormat::kString) {
  simdjson::dom::parser parser;
  return simdjson::minify(parser.parse(messages_for_template(messages, format)).value());
}

void expect_refused(
    const std::string& messages, const std::string& field, const std::string& text
) {
  try {
    messages_for_template(messages, ContentFormat::kString);
    ADD_FAILURE() << "accepted: " << messages;
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), field);
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

TEST(MessagesForTemplate, PassPlainMessagesThrough) {
  const std::string messages = R"([{"role":"user","name":"Ann","content":"a \"b\""}])";
  EXPECT_EQ(converted(messages), messages);
}

TEST(MessagesForTemplate, JoinTextPartsForTemplatesThatWantStrings) {
  EXPECT_EQ(
      converted(R"([{"role":"user","content":[{"type":"text","text":"a"},"b"]}])"),
      R"([{"role":"user","content":"a\nb"}])"
  );
}

TEST(MessagesForTemplate, MakePartsForTemplatesThatWantThem) {
  EXPECT_EQ(
      converted(R"([{"role":"user","content":"a"}])", ContentFormat::kOpenAi),
      R"([{"role":"user","content":[{"type":"text","text":"a"}]}])"
  );
}

TEST(MessagesForTemplate, MakeNoTextOfNull) {
  const std::string messages = R"([{"role":"assistant","content":null}])";
  EXPECT_EQ(converted(messages), R"([{"role":"assistant","content":""}])");
  EXPECT_EQ(converted(messages, ContentFormat::kOpenAi), R"([{"role":"assistant","content":[]}])");
}

TEST(MessagesForTemplate, OpenTheArgumentsOfToolCalls) {
  EXPECT_EQ(
      converted(R"([{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function",
                   "function":{"name":"f","arguments":"{\"x\": 1}"}}]}])"),
      R"([{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function",)"
      R"("function":{"name":"f","arguments":{"x":1}}}]}])"
  );
}

TEST(MessagesForTemplate, MakeNoArgumentsAnEmptyObject) {
  const std::string expected = R"([{"role":"assistant","content":"",)"
                               R"("tool_calls":[{"function":{"name":"f","arguments":{}}}]}])";
  for (const std::string arguments : {R"(,"arguments":"")", R"(,"arguments":null)", ""}) {
    EXPECT_EQ(
        converted(
            R"([{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f")" +
            arguments + "}}]}]"
        ),
        expected
    ) << arguments;
  }
}

TEST(MessagesForTemplate, LeaveOutWhatIsNotThere) {
  EXPECT_EQ(
      converted(R"([{"role":"assistant","refusal":null,"content":"a","tool_calls":[]}])"),
      R"([{"role":"assistant","content":"a"}])"
  );
  EXPECT_EQ(converted(R"([{"role":"assistant"}])"), R"([{"role":"assistant","content":""}])");
  EXPECT_EQ(
      converted(R"([{"role":"assistant"}])", ContentFormat::kOpenAi),
      R"([{"role":"assistant","content":[]}])"
  );
}

TEST(MessagesForTemplate, ShowReasoningUnderBothNames) {
  const std::string expected =
      R"([{"role":"assistant","content":"a","reasoning":"t","reasoning_content":"t"}])";
  for (const std::string name : {"reasoning", "reasoning_content"}) {
    EXPECT_EQ(converted(R"([{"role":"assistant",")" + name + R"(":"t","content":"a"}])"), expected);
  }
}

TEST(MessagesForTemplate, TakeTheTextOfEveryKindOfTextPart) {
  EXPECT_EQ(
      converted(R"([{"role":"user","content":[{"type":"input_text","text":"a"},
                   {"type":"output_text","text":"b"},{"type":"refusal","refusal":"c"},
                   {"type":"thinking","thinking":"d"}]}])"),
      R"([{"role":"user","content":"a\nb\nc\nd"}])"
  );
}

TEST(MessagesForTemplate, RefuseWhatIsNotText) {
  expect_refused(
      R"([{"role":"user","content":["a",{"type":"image_url","image_url":{"url":"u"}}]}])",
      "messages[0].content[1]",
      "'image_url'"
  );
  expect_refused(R"([{"role":"user","content":3}])", "messages[0].content", "text");
  expect_refused(
      R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0]", "content part"
  );
  expect_refused(R"([{"role":"user","content":"a"},1])", "messages[1]", "must be an object, got 1");
  expect_refused(R"({})", "messages", "array");
  expect_refused(
      R"([{"role":"assistant","tool_calls":[1]}])", "messages[0].tool_calls[0]", "an object"
  );
  expect_refused(R"([{"role":"assistant","tool_calls":{}}])", "messages[0].tool_calls", "a list");
  expect_refused(
      R"([{"role":"user","content":"a"},
          {"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}},
                                            {"function":{"name":"f","arguments":"x y"}}]}])",
      "messages[1].tool_calls[1].function.arguments",
      "must be JSON text"
  );
}

TEST(FinalMessageText, IsTheTextOfTheLastMessage) {
  EXPECT_EQ(
      final_message_text(R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])"),
      "b"
  );
  EXPECT_EQ(final_message_text(R"([{"role":"user","content":"a"},{"role":"assistant"}])"), "");
  EXPECT_EQ(final_message_text("[]"), "");
}

}  // namespace
}  // namespace quire
