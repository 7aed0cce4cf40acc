#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "quire/error.h"
#include "quire/request_json.h"
#include "quire/tokenizer.h"
#include "support/fake_engine_core_client.h"

namespace quire {
namespace {

class MakePromptTest : public testing::Test {
 protected:
  Prompt make(const std::string& line) const {
    return make_prompt(engine_, parse_request_json(line, {}));
  }

  const AsyncEngine engine_{
      test::load_with_fake_core(std::make_unique<test::FakeEngineCoreClient>())};
};

TEST_F(MakePromptTest, PassesTextAndTokenIdsThrough) {
  EXPECT_EQ(make(R"({"prompt": "Hi", "cache_salt": "s"})").text, "Hi");
  EXPECT_EQ(make(R"({"prompt": "Hi", "cache_salt": "s"})").cache_salt, "s");
  EXPECT_EQ(make(R"({"prompt_token_ids": [5, 6]})").token_ids, (std::vector<int32_t>{5, 6}));
}

TEST_F(MakePromptTest, RendersMessagesForAnAnswer) {
  const Prompt prompt = make(R"({"messages": [{"role": "user", "content": "Hi"}],
                                 "cache_salt": "s"})");
  EXPECT_EQ(prompt.text, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(prompt.token_ids, engine_.tokenizer()->encode(prompt.text, false));
  EXPECT_EQ(prompt.cache_salt, "s");
}

TEST_F(MakePromptTest, RendersContentParts) {
  const Prompt prompt = make(
      R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
          "add_generation_prompt": false})"
  );
  EXPECT_EQ(prompt.text, "<|im_start|>user\nHi<|im_end|>\n");
}

TEST_F(MakePromptTest, GoesOnWithTheFinalMessage) {
  const Prompt prompt = make(
      R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Good"}],
          "add_generation_prompt": false, "continue_final_message": true})"
  );
  EXPECT_EQ(prompt.text, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nGood");
  EXPECT_EQ(prompt.token_ids, engine_.tokenizer()->encode(prompt.text, false));
}

TEST_F(MakePromptTest, LetsChatTemplateKwargsReachTheTemplate) {
  const Prompt prompt = make(
      R"({"messages": [{"role": "user", "content": "Hi"}],
          "chat_template_kwargs": {"add_generation_prompt": false}})"
  );
  EXPECT_EQ(prompt.text, "<|im_start|>user\nHi<|im_end|>\n");
}

TEST_F(MakePromptTest, RefusesContentsThatAreNoText) {
  try {
    make(R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})");
    FAIL() << "accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "messages[0].content[0]");
  }
}

}  // namespace
}  // namespace quire
