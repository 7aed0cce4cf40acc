// --config and the options of one value, through CommandLine.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_line.h"
#include "quire/error.h"
#include "support/temp_dir.h"
#include "support/words.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConfigOptionTest : public ::testing::Test {
 protected:
  ConfigOptionTest() {
    command_line_.add_engine_options();
    command_line_.add_server_options();
  }

  // Parses with a file of this text before the words.
  void parse(const std::string& yaml, std::vector<std::string> words = {}) {
    std::ofstream(file_) << yaml;
    words.insert(words.begin(), {"--config", file_});
    ASSERT_TRUE(test::parse_words(command_line_, words));
  }

  std::string refusal(const std::string& yaml, const std::vector<std::string>& words = {}) {
    try {
      parse(yaml, words);
      (void)command_line_.engine_config();
      (void)command_line_.server_config();
      return "accepted";
    } catch (const InvalidArgument& error) {
      return error.field() + ": " + error.what();
    }
  }

  EngineConfig engine() const { return command_line_.engine_config(); }
  ServerConfig server() const { return command_line_.server_config(); }

  test::TempDir dir_;
  std::string file_ = (dir_.path() / "serve.yaml").string();
  CommandLine command_line_{"test", "A command for tests."};
};

TEST_F(ConfigOptionTest, AFileSetsOptions) {
  parse(
      "model: other\nmax_model_len: 4k\nenable-prefix-caching: false\nno-detail: null\n"
      "api-key: [a, b]\nport: 8001\nenable-log-requests: on\n"
  );
  EXPECT_EQ(engine().model, "other");
  EXPECT_EQ(engine().max_model_len, 4000);
  EXPECT_EQ(engine().enable_prefix_caching, false);
  EXPECT_THAT(server().api_key, ElementsAre("a", "b"));
  EXPECT_EQ(server().port, 8001);
  EXPECT_TRUE(server().enable_log_requests);
}

TEST_F(ConfigOptionTest, TheCommandLineWins) {
  parse(
      "model: other\nport: 8001\napi-key: [a, b]\nenable-log-requests: true\n",
      {"mine", "--port", "8002", "--api-key", "c", "--no-enable-log-requests"}
  );
  EXPECT_EQ(engine().model, "mine");
  EXPECT_EQ(server().port, 8002);
  EXPECT_THAT(server().api_key, ElementsAre("c")) << "lists are not joined";
  EXPECT_FALSE(server().enable_log_requests);
}

TEST_F(ConfigOptionTest, ObjectsMeetParts) {
  parse("hf-overrides:\n  a: 1\n  b: 2\n", {"--hf-overrides.b", "3"});
  EXPECT_EQ(engine().hf_overrides, R"({"a":1,"b":3})");
  parse("hf-overrides.a: 1\n", {"--hf-overrides.b=2"});
  EXPECT_EQ(engine().hf_overrides, R"({"a":1,"b":2})");
  parse("hf-overrides.a: 1\n", {"--hf-overrides", R"({"c":3})"});
  EXPECT_EQ(engine().hf_overrides, R"({"c":3})") << "the command line wins";
}

TEST_F(ConfigOptionTest, SwitchesMayBeNegatedAndNamedAsTheyWere) {
  parse("no-enable-prefix-caching: true\ndisable-log-requests: false\n");
  EXPECT_EQ(engine().enable_prefix_caching, false);
  EXPECT_TRUE(server().enable_log_requests);
}

TEST_F(ConfigOptionTest, ListsOfTextsMayBeEmpty) {
  parse("allowed-origins: []\nallowed-methods: [GET, POST]\n");
  EXPECT_TRUE(server().allowed_origins.empty());
  EXPECT_THAT(server().allowed_methods, ElementsAre("GET", "POST"));
}

TEST_F(ConfigOptionTest, MistakesNameTheOptionAndTheLine) {
  EXPECT_THAT(refusal("\nport: [1]\n"), HasSubstr("--port (" + file_ + ":2)"));
  EXPECT_THAT(refusal("max-num-seqs: many\n"), HasSubstr(file_ + ":1): 'many' is not a whole"));
  EXPECT_THAT(refusal("max-num-seq: 1\n"), HasSubstr("Did you mean --max-num-seqs"));
  EXPECT_THAT(refusal("model: {a: 1}\n"), HasSubstr("It takes no object"));
  EXPECT_THAT(refusal("config: other.yaml\n"), HasSubstr("belongs on the command line"));
  EXPECT_THAT(refusal("enable-log-requests: maybe\n", {"--port=1"}), HasSubstr("true or false"));
}

TEST_F(ConfigOptionTest, OptionsThatAreLackingAreRefusedInAFileToo) {
  EXPECT_THAT(refusal("tensor-parallel-size: 2\n"), HasSubstr("not supported: One process"));
  EXPECT_THAT(refusal("max-lora-rank: 8\n"), HasSubstr("not supported: Adapters"));
  EXPECT_EQ(refusal("tensor-parallel-size: 1\nenforce-eager: true\n"), "accepted");
}

TEST_F(ConfigOptionTest, AMissingFileIsTold) {
  EXPECT_THROW(
      test::parse_words(command_line_, {"--config", file_ + ".missing"}), EnvironmentError
  );
}

}  // namespace
}  // namespace quire::cli
