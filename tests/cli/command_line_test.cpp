#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/words.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    command_line_.add_texts("prompt", prompts_, "Text.");
    command_line_.add_switch("stats", stats_, "Statistics.");
    command_line_.add_text("-q,--quick", quick_, "A question.");
    command_line_.add_engine_options();
    command_line_.add_sampling_options();
  }

  bool parse(std::vector<std::string> words) {
    return test::parse_words(command_line_, std::move(words));
  }

  SamplingParams params() const {
    SamplingParams params;
    command_line_.apply_to(params);
    return params;
  }

  std::string field_of_error(std::vector<std::string> words) {
    try {
      (void)parse(std::move(words));
      (void)command_line_.engine_config();
      (void)params();
    } catch (const InvalidArgument& error) {
      return error.field();
    }
    return "accepted";
  }

  CommandLine command_line_{"test", "A command for tests."};
  std::vector<std::string> prompts_;
  std::optional<std::string> quick_;
  bool stats_ = false;
};

TEST_F(CommandLineTest, WithoutOptionsEverythingHasItsDefault) {
  ASSERT_TRUE(parse({}));
  EXPECT_EQ(command_line_.engine_config().model, EngineConfig().model);
  EXPECT_EQ(params(), SamplingParams());
  EXPECT_FALSE(command_line_.was_given("max_tokens"));
}

TEST_F(CommandLineTest, NamesMayHaveUnderscoresOrDashes) {
  ASSERT_TRUE(parse({"--max_tokens", "3", "--max-model_len=64", "--block-size", "32"}));
  EXPECT_EQ(params().max_tokens, 3);
  EXPECT_EQ(command_line_.engine_config().max_model_len, 64);
  EXPECT_EQ(command_line_.engine_config().block_size, 32);
  EXPECT_TRUE(command_line_.was_given("max_tokens"));
  EXPECT_TRUE(command_line_.was_given("--max-tokens"));
}

TEST_F(CommandLineTest, ValuesStayAsTheyAre) {
  ASSERT_TRUE(parse({"--prompt", "--max_tokens_are", "--prompt=--a_b", "--model", "my_model"}));
  EXPECT_THAT(prompts_, ElementsAre("--max_tokens_are", "--a_b"));
  EXPECT_EQ(command_line_.engine_config().model, "my_model");
}

TEST_F(CommandLineTest, SwitchesCanBeTurnedOff) {
  ASSERT_TRUE(parse({"--no-enable-prefix-caching", "--stats", "--no_detokenize"}));
  EXPECT_EQ(command_line_.engine_config().enable_prefix_caching, false);
  EXPECT_TRUE(stats_);
  EXPECT_FALSE(params().detokenize);
  EXPECT_TRUE(params().skip_special_tokens);
}

TEST_F(CommandLineTest, TheLengthMayBeFittedByEitherSpelling) {
  ASSERT_TRUE(parse({"--max-model-len", "auto"}));
  EXPECT_EQ(command_line_.engine_config().max_model_len, -1);
  ASSERT_TRUE(parse({"--max-model-len", "-1"}));
  EXPECT_EQ(command_line_.engine_config().max_model_len, -1);
  ASSERT_TRUE(parse({"--max-model-len", "long"}));
  EXPECT_THROW(command_line_.engine_config(), InvalidArgument);
}

TEST_F(CommandLineTest, ListsTakeSeveralValues) {
  ASSERT_TRUE(parse({"--stop", "a", "b", "--stop", "c", "--stop-token-ids", "1", "2"}));
  EXPECT_THAT(params().stop, ElementsAre("a", "b", "c"));
  EXPECT_THAT(params().stop_token_ids, ElementsAre(1, 2));
}

TEST_F(CommandLineTest, BracketsInAListAreText) {
  ASSERT_TRUE(parse({"--prompt", "[a, b]", "[]", "--stop", "[1,2]"}));
  EXPECT_THAT(prompts_, ElementsAre("[a, b]", "[]"));
  EXPECT_THAT(params().stop, ElementsAre("[1,2]"));
}

TEST_F(CommandLineTest, SeedIsTheEngines) {
  ASSERT_TRUE(parse({"--seed", "7"}));
  EXPECT_EQ(command_line_.engine_config().seed, 7);
  EXPECT_EQ(params().seed, std::nullopt);
}

TEST_F(CommandLineTest, ShortNamesWork) {
  ASSERT_TRUE(parse({"-q", "why?"}));
  EXPECT_EQ(quick_, "why?");
}

TEST_F(CommandLineTest, MistakesNameTheOption) {
  EXPECT_EQ(field_of_error({"--max-tokns", "3"}), "--max-tokns");
  EXPECT_EQ(field_of_error({"stray"}), "stray");
}

TEST_F(CommandLineTest, AnOptionOfVllmIsRefusedWithItsOwnSentence) {
  for (const char* word : {"--tensor-parallel-size=2", "--tensor_parallel_size", "-tp"}) {
    try {
      const bool has_value = std::string_view(word).ends_with("=2");
      (void)(has_value ? parse({"--stats", word}) : parse({"--stats", word, "2"}));
      FAIL() << "accepted " << word;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "--tensor-parallel-size") << word;
      EXPECT_THAT(error.what(), HasSubstr("--num-threads"));
    }
  }
  EXPECT_EQ(field_of_error({"--max-lora-rank", "8"}), "--max-lora-rank");
  EXPECT_EQ(field_of_error({"-tp", "1", "-O0"}), "accepted") << "that is what happens anyway";
}

TEST_F(CommandLineTest, BadValuesNameTheOption) {
  EXPECT_EQ(field_of_error({"--max-tokens", "many"}), "--max-tokens");
  EXPECT_EQ(field_of_error({"--max-tokens"}), "--max-tokens");
}

TEST_F(CommandLineTest, ImpossibleSamplingIsToldAtOnce) {
  ASSERT_TRUE(parse({"--top-p", "2"}));
  EXPECT_THROW(command_line_.check_sampling_options(), InvalidArgument);
}

TEST_F(CommandLineTest, MinTokensMayExceedTheUsualLength) {
  ASSERT_TRUE(parse({"--min-tokens", "50"}));
  EXPECT_NO_THROW(command_line_.check_sampling_options()) << "the command decides the length later";
}

TEST_F(CommandLineTest, HelpShowsGroupsTypesAndDefaults) {
  const std::string help = command_line_.help();
  EXPECT_THAT(help, HasSubstr("Usage: quire test [OPTIONS]"));
  EXPECT_THAT(help, HasSubstr("CacheConfig:\n"));
  EXPECT_THAT(help, HasSubstr("  --max-tokens INT\n      Longest output in tokens. (default: 16)"));
  EXPECT_THAT(help, HasSubstr("--enable-prefix-caching, --no-enable-prefix-caching\n"));
}

}  // namespace
}  // namespace quire::cli
