#include "server/responses/response_output.h"

#include <gtest/gtest.h>

namespace quire::server {
namespace {

std::vector<std::string> names_of(const std::string& events) {
  std::vector<std::string> names;
  for (size_t at = events.find("event: "); at != std::string::npos;
       at = events.find("event: ", at + 1)) {
    names.push_back(events.substr(at + 7, events.find('\n', at) - at - 7));
  }
  return names;
}

MessageDelta call_delta(int index, std::optional<std::string> name, std::string arguments) {
  MessageDelta delta;
  delta.tool_calls.push_back({index, std::move(name), std::move(arguments)});
  return delta;
}

TEST(ResponseOutputTest, EventsOfATextComeInTheOrderOfTheApi) {
  ResponseEvents writer;
  ResponseOutput output("resp_ab", &writer);
  std::string events;
  output.add({.content = "Hel"}, {}, events);
  output.add({.content = "lo"}, {}, events);
  output.finish(false, events);
  const std::vector<std::string> expected = {
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
  };
  EXPECT_EQ(names_of(events), expected);
  EXPECT_NE(events.find(R"("sequence_number":6)"), std::string::npos) << "numbered from 0";
  EXPECT_EQ(events.find(R"("sequence_number":7)"), std::string::npos);
  EXPECT_NE(events.find(R"("text":"Hello")"), std::string::npos);
}

TEST(ResponseOutputTest, ThoughtsTextAndCallsAreItemsOfTheirOwn) {
  ResponseEvents writer;
  ResponseOutput output("resp_ab", &writer);
  std::string events;
  output.add({.reasoning = "hm"}, {}, events);
  output.add({.content = "Let me look."}, {}, events);
  output.add(call_delta(0, "f", "{\"a\""), {}, events);
  output.add(call_delta(0, std::nullopt, ": 1}"), {}, events);
  output.add(call_delta(1, "f", "{}"), {}, events);
  output.finish(false, events);
  ASSERT_EQ(output.items().size(), 4u);
  EXPECT_EQ(output.items()[0].text, "hm");
  EXPECT_EQ(output.items()[1].id, "msg_ab01");
  EXPECT_EQ(output.items()[2].text, "{\"a\": 1}");
  EXPECT_EQ(output.items()[3].call_id, "call_ab03");
  const std::vector<std::string> expected = {
      "response.output_item.added",
      "response.content_part.added",
      "response.reasoning_text.delta",
      "response.reasoning_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
  };
  EXPECT_EQ(names_of(events), expected);
}

TEST(ResponseOutputTest, SaysNothingWhenNobodyListens) {
  ResponseOutput output("resp_ab", nullptr);
  std::string events;
  output.add({.content = "Hi"}, {}, events);
  output.finish(false, events);
  EXPECT_EQ(events, "");
  EXPECT_EQ(output.items().front().text, "Hi");
}

TEST(ResponseOutputTest, AnAnswerWithoutTextIsAnEmptyMessage) {
  ResponseOutput output("resp_ab", nullptr);
  std::string events;
  output.finish(false, events);
  ASSERT_EQ(output.items().size(), 1u);
  EXPECT_EQ(output.items()[0].kind, OutputItem::Kind::kMessage);
}

TEST(ResponseOutputTest, LogprobsGatherInTheirMessage) {
  ResponseOutput output("resp_ab", nullptr);
  std::string events;
  output.add({.content = "a"}, R"({"token":"a"})", events);
  output.add({.content = "b"}, R"({"token":"b"})", events);
  EXPECT_EQ(output.items()[0].logprobs, R"({"token":"a"}, {"token":"b"})");
}

}  // namespace
}  // namespace quire::server
