#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_line.h"
#include "quire/error.h"
#include "support/words.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServerOptionsTest : public ::testing::Test {
 protected:
  ServerOptionsTest() {
    command_line_.add_engine_options();
    command_line_.add_server_options();
  }
  ~ServerOptionsTest() override {
    for (const char* name :
         {"VLLM_API_KEY",
          "VLLM_SERVER_DEV_MODE",
          "VLLM_HTTP_TIMEOUT_KEEP_ALIVE",
          "VLLM_NO_SUCH_THING"}) {
      unsetenv(name);
    }
  }

  void parse(const std::vector<std::string>& words) {
    ASSERT_TRUE(test::parse_words(command_line_, words));
  }

  std::string refusal(const std::vector<std::string>& words) {
    try {
      (void)test::parse_words(command_line_, words);
      (void)command_line_.server_config();
      return "accepted";
    } catch (const InvalidArgument& error) {
      return error.field() + ": " + error.what();
    }
  }

  CommandLine command_line_{"serve", "Serves a model."};
};

TEST_F(ServerOptionsTest, TheModelStandsAlone) {
  parse({"models/a", "--port", "1"});
  EXPECT_EQ(command_line_.engine_config().model, "models/a");
  parse({"--port", "1", "models/b"});
  EXPECT_EQ(command_line_.engine_config().model, "models/b");
  parse({"--model", "models/c"});
  EXPECT_EQ(command_line_.engine_config().model, "models/c");
  EXPECT_THAT(refusal({"a", "--model", "b"}), HasSubstr("--model says 'b'"));
  EXPECT_THAT(refusal({"a", "b"}), HasSubstr("b: This is no argument"));
}

TEST_F(ServerOptionsTest, NamesAndKeysMayBeSeveral) {
  parse({"--served-model-name", "a", "b", "--api-key", "k1", "--api-key", "k2"});
  EXPECT_THAT(command_line_.server_config().served_model_name, ElementsAre("a", "b"));
  EXPECT_EQ(command_line_.engine_config().served_model_name, "a") << "what metrics call it";
  EXPECT_THAT(command_line_.server_config().api_key, ElementsAre("k1", "k2"));
}

TEST_F(ServerOptionsTest, OriginsAreJsonOrWords) {
  parse({"--allowed-origins", R"(["http://a", "http://b"])"});
  EXPECT_THAT(command_line_.server_config().allowed_origins, ElementsAre("http://a", "http://b"));
  parse({"--allowed-origins", "http://a", "http://b"});
  EXPECT_THAT(command_line_.server_config().allowed_origins, ElementsAre("http://a", "http://b"));
  EXPECT_THAT(refusal({"--allowed-origins", "[1]"}), HasSubstr("JSON list of texts"));
}

TEST_F(ServerOptionsTest, TemplateVariablesMayBeDotted) {
  parse({"--default-chat-template-kwargs.enable_thinking", "false"});
  EXPECT_EQ(
      command_line_.server_config().default_chat_template_kwargs, R"({"enable_thinking":false})"
  );
  parse({"--default_chat_template-kwargs.keep_case+", "a,b", "-asc", "2"});
  EXPECT_EQ(
      command_line_.server_config().default_chat_template_kwargs, R"({"keep_case":["a","b"]})"
  );
  EXPECT_EQ(command_line_.server_config().api_server_count, 2);
  EXPECT_THAT(refusal({"--port.a", "1"}), HasSubstr("takes no JSON object"));
  EXPECT_THAT(refusal({"--hf-overrides.a"}), HasSubstr("A value must follow"));
  EXPECT_THAT(refusal({"--compilation-config.mode", "3"}), HasSubstr("not supported"));
}

TEST_F(ServerOptionsTest, TheEnvironmentGivesDefaults) {
  setenv("VLLM_API_KEY", "secret", 1);
  setenv("VLLM_SERVER_DEV_MODE", "1", 1);
  setenv("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "7", 1);
  parse({});
  EXPECT_THAT(command_line_.server_config().api_key, ElementsAre("secret"));
  EXPECT_TRUE(command_line_.server_config().enable_dev_endpoints);
  EXPECT_EQ(command_line_.server_config().timeout_keep_alive, 7);
  parse({"--api-key", "other", "--no-enable-dev-endpoints", "--timeout-keep-alive", "1.5"});
  EXPECT_THAT(command_line_.server_config().api_key, ElementsAre("other"));
  EXPECT_FALSE(command_line_.server_config().enable_dev_endpoints);
  EXPECT_EQ(command_line_.server_config().timeout_keep_alive, 1.5);
}

TEST_F(ServerOptionsTest, UnknownVariablesMayBeAnError) {
  setenv("VLLM_NO_SUCH_THING", "1", 1);
  EXPECT_EQ(refusal({}), "accepted");
  EXPECT_THAT(refusal({"--fail-on-environ-validation"}), HasSubstr("VLLM_NO_SUCH_THING"));
}

TEST_F(ServerOptionsTest, ValuesThatNoServerWorksWithAreRefused) {
  EXPECT_THAT(refusal({"--port", "65536"}), HasSubstr("port"));
  EXPECT_THAT(refusal({"--uds", "a", "--host", "b"}), HasSubstr("either --uds or --host"));
  EXPECT_THAT(refusal({"--ssl-keyfile", "a"}), HasSubstr("needs its --ssl-certfile"));
  EXPECT_THAT(refusal({"--enable-auto-tool-choice"}), HasSubstr("--tool-call-parser"));
  EXPECT_THAT(refusal({"--log-format", "xml"}), HasSubstr("text, json"));
  EXPECT_THAT(refusal({"--watchdog-action", "panic"}), HasSubstr("abort-requests, exit"));
  EXPECT_THAT(refusal({"--shutdown-timeout", "nan"}), HasSubstr("shutdown_timeout"));
  EXPECT_THAT(refusal({"--root-path", "llm"}), HasSubstr("slash"));
}

TEST_F(ServerOptionsTest, SamplingParametersAreForRequests) {
  EXPECT_THAT(refusal({"--temperature", "0"}), HasSubstr("--override-generation-config"));
}

TEST(ServerOptionsElsewhereTest, OtherCommandsNameTheServer) {
  CommandLine command_line("generate", "Completes prompts.");
  command_line.add_engine_options();
  for (const char* flag : {"--port", "--no-enable-log-requests", "--uvicorn-log-level"}) {
    try {
      (void)test::parse_words(command_line, {flag, "1"});
      FAIL() << flag;
    } catch (const InvalidArgument& error) {
      EXPECT_THAT(error.what(), HasSubstr("quire serve")) << flag;
    }
  }
}

}  // namespace
}  // namespace quire::cli
