#include "quire/chat_template.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "quire/error.h"
#include "support/test_paths.h"

namespace quire {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

constexpr const char* kHello = R"({"messages":[{"role":"user","content":"Hi"}]})";

// A model's folder for one test.
class ModelFolder {
 public:
  ModelFolder() {
    std::string name = (fs::temp_directory_path() / "quire-chat-template-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~ModelFolder() { fs::remove_all(path_); }
  ModelFolder& write(const std::string& name, const std::string& text) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return *this;
  }
  const fs::path& path() const { return path_; }
  std::string render(const std::string& context) const {
    return ChatTemplate::from_dir(path_)->render(context);
  }

 private:
  fs::path path_;
};

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const InvalidArgument& error) {
    return error.field() + ": " + error.what();
  }
  return "nothing was thrown";
}

TEST(ChatTemplate, RendersTheBundledModelsConversation) {
  const auto chat = ChatTemplate::from_dir(test::bundled_models_dir() / "small-chat");
  EXPECT_EQ(
      chat->render(
          R"({"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}],
              "add_generation_prompt":true})"
      ),
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
      "<|im_start|>assistant\n"
  );
}

TEST(ChatTemplate, AFolderWithoutATemplateHasNone) {
  EXPECT_EQ(ChatTemplate::from_dir(ModelFolder().path()), nullptr);
  ModelFolder folder;
  folder.write("tokenizer_config.json", R"({"chat_template":null})");
  EXPECT_EQ(ChatTemplate::from_dir(folder.path()), nullptr);
}

TEST(ChatTemplate, TheJinjaFileComesBeforeTheConfig) {
  ModelFolder folder;
  folder.write("chat_template.json", R"({"chat_template":"third"})");
  EXPECT_EQ(folder.render("{}"), "third");
  folder.write("tokenizer_config.json", R"({"chat_template":"second","bos_token":"<s>"})");
  EXPECT_EQ(folder.render("{}"), "second");
  folder.write("chat_template.jinja", "first {{ bos_token }}");
  EXPECT_EQ(folder.render("{}"), "first <s>");
}

TEST(ChatTemplate, ToolsTakeTheTemplateForThem) {
  const std::string tools = R"({"tools":[{"type":"function"}],"messages":[]})";
  ModelFolder listed;
  listed.write("tokenizer_config.json", R"({"chat_template":[
    {"name":"default","template":"plain"},{"name":"tool_use","template":"with tools"}]})");
  EXPECT_EQ(listed.render(kHello), "plain");
  EXPECT_EQ(listed.render(R"({"tools":null})"), "plain");
  EXPECT_EQ(listed.render(tools), "with tools");

  ModelFolder files;
  files.write("chat_template.jinja", "plain");
  EXPECT_EQ(files.render(tools), "plain");
  files.write("additional_chat_templates/tool_use.jinja", "with tools");
  EXPECT_EQ(files.render(tools), "with tools");

  ModelFolder unnamed;
  unnamed.write("tokenizer_config.json", R"({"chat_template":[{"name":"rag","template":"x"}]})");
  EXPECT_THAT(
      message_of([&] { ChatTemplate::from_dir(unnamed.path()); }),
      HasSubstr("none is named \"default\"")
  );
}

TEST(ChatTemplate, SpecialTokensAreVariables) {
  ModelFolder folder;
  folder.write("chat_template.jinja", "{{ bos_token }}|{{ eos_token }}|{{ unk_token is defined }}")
      .write("tokenizer_config.json", R"({"bos_token":{"content":"<s>"},"unk_token":null})")
      .write("special_tokens_map.json", R"({"bos_token":"<other>","eos_token":"</s>"})");
  EXPECT_EQ(folder.render("{}"), "<s>|</s>|False");
  EXPECT_EQ(folder.render(R"({"eos_token":"E"})"), "<s>|E|False");
}

TEST(ChatTemplate, WhatATemplateRaisesIsTheUsersError) {
  const auto chat = ChatTemplate::from_source("{{ raise_exception('Only user roles!') }}");
  EXPECT_EQ(
      message_of([&] { chat->render(kHello); }),
      "messages: the chat template failed: line 1: Only user roles!"
  );
}

TEST(ChatTemplate, ASourceThatDoesNotCompileNamesItsFile) {
  ModelFolder folder;
  folder.write("chat_template.jinja", "a\n{% for %}");
  EXPECT_THAT(
      message_of([&] { ChatTemplate::from_dir(folder.path()); }),
      testing::AllOf(HasSubstr("chat_template: "), HasSubstr(folder.path()), HasSubstr("line 2"))
  );
  EXPECT_THAT(
      message_of([&] {
        ChatTemplate::from_source(std::string(ChatTemplate::kMaxSourceBytes + 1, 'x'));
      }),
      HasSubstr("at most 65536 are allowed")
  );
  EXPECT_EQ(
      ChatTemplate::from_source(std::string(ChatTemplate::kMaxSourceBytes, 'x'))
          ->render("{}")
          .size(),
      ChatTemplate::kMaxSourceBytes
  );
}

TEST(ChatTemplate, ATemplateWithoutEndIsStopped) {
  const auto loops = ChatTemplate::from_source(
      "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
  );
  EXPECT_THAT(message_of([&] { loops->render("{}"); }), HasSubstr("10000000 steps"));
  const auto prints = ChatTemplate::from_source(
      "{% set x = 'x' * 1000000 %}{% for i in range(99) %}{{ x }}{% endfor %}"
  );
  EXPECT_THAT(message_of([&] { prints->render("{}"); }), HasSubstr("67108864 bytes"));
}

TEST(ChatTemplate, AContextMustBeAJsonObject) {
  const auto chat = ChatTemplate::from_source("x");
  for (const char* context : {"", "[]", "{\"a\":", "{\"a\":\"\xFF\"}"})
    EXPECT_THAT(message_of([&] { chat->render(context); }), HasSubstr("messages: "));
}

TEST(ChatTemplate, LoopsOverTheContentAskForParts) {
  const auto format = [](const char* source) {
    return ChatTemplate::from_source(source)->content_format();
  };
  EXPECT_EQ(format("{% for m in messages %}{{ m.content }}{% endfor %}"), ContentFormat::kString);
  EXPECT_EQ(
      format(
          "{% for m in messages %}{% for c in m['content'] %}{{ c.text }}{% endfor %}{% endfor %}"
      ),
      ContentFormat::kOpenAi
  );
}

}  // namespace
}  // namespace quire
