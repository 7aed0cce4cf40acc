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

void expect_refused(const std::string& messages, const std::string& text) {
  try {
    messages_for_template(messages, ContentFormat::kString);
    ADD_FAILURE() << "accepted: " << messages;
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "messages");
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
      converted(R"([{"role":"assistant","tool_calls":[{"id":"1","type":"function",
                   "function":{"name":"f","arguments":"{\"x\": 1}"}}]}])"),
      R"([{"role":"assistant","tool_calls":[{"id":"1","type":"function",)"
      R"("function":{"name":"f","arguments":{"x":1}}}]}])"
  );
}

TEST(MessagesForTemplate, KeepArgumentsThatAreNoJson) {
  const std::string messages =
      R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"x y"}}]}])";
  EXPECT_EQ(converted(messages), messages);
}

TEST(MessagesForTemplate, RefuseWhatIsNotText) {
  expect_refused(
      R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}])", "'image_url'"
  );
  expect_refused(R"([{"role":"user","content":3}])", "text");
  expect_refused(R"([{"role":"user","content":[{"type":"text"}]}])", "content parts");
  expect_refused(R"([1])", "objects");
  expect_refused(R"({})", "array");
  expect_refused(R"([{"role":"assistant","tool_calls":[1]}])", "tool_calls");
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
