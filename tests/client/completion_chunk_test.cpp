#include "client/completion_chunk.h"

#include <gtest/gtest.h>

namespace quire::client {
namespace {

TEST(CompletionReaderTest, ReadsTheEventsOfBothEndpoints) {
  CompletionReader reader;
  auto chunk = reader.read(R"({"choices":[{"index":2,"text":"hi","finish_reason":null}]})");
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->text, "hi");
  EXPECT_EQ(chunk->index, 2);
  EXPECT_EQ(chunk->finish_reason, "");
  chunk = reader.read(R"({"choices":[{"delta":{"role":"assistant","content":"a","reasoning":"b"},)"
                      R"("finish_reason":"stop"}],"usage":null})");
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->text, "a");
  EXPECT_EQ(chunk->reasoning, "b");
  EXPECT_EQ(chunk->role, "assistant");
  EXPECT_EQ(chunk->finish_reason, "stop");
  EXPECT_FALSE(chunk->usage);
}

TEST(CompletionReaderTest, ReadsAWholeAnswerWithUsage) {
  CompletionReader reader;
  const auto chunk = reader.read(
      R"({"choices":[{"message":{"content":null,"tool_calls":[{"id":"1"}]}},{"message":{}}],)"
      R"("usage":{"prompt_tokens":3,"completion_tokens":4}})"
  );
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->num_choices, 2);
  EXPECT_TRUE(chunk->has_tool_calls);
  ASSERT_TRUE(chunk->usage);
  EXPECT_EQ(chunk->usage->prompt_tokens, 3);
  EXPECT_EQ(chunk->usage->completion_tokens, 4);
}

TEST(CompletionReaderTest, FindsTheMessageOfAnError) {
  CompletionReader reader;
  EXPECT_EQ(reader.read(R"({"error":{"message":"no","code":400}})")->error, "no");
  EXPECT_EQ(reader.read(R"({"error":"Unauthorized"})")->error, "Unauthorized");
}

TEST(CompletionReaderTest, RefusesWhatIsNoCompletion) {
  CompletionReader reader;
  for (const char* text :
       {"", "[DONE]", "{", "[]", "{}", R"({"choices":{}})", R"({"choices":[1]})"})
    EXPECT_FALSE(reader.read(text)) << text;
}

}  // namespace
}  // namespace quire::client
