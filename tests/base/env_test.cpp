#include "base/env.h"

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

using testing::ElementsAre;

// Sets a variable for one test.
class Scoped {
 public:
  Scoped(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Scoped() { unsetenv(name_); }
  Scoped(const Scoped&) = delete;
  Scoped& operator=(const Scoped&) = delete;

 private:
  const char* name_;
};

class Env : public testing::Test {
 protected:
  Env() {
    for (const env::Variable& variable : env::variables()) {
      unsetenv(variable.name);
      if (variable.also != nullptr) unsetenv(variable.also);
    }
  }
};

TEST_F(Env, OwnNamesWinOverForeignOnes) {
  EXPECT_EQ(env::logging_level(), "INFO");
  const Scoped foreign("VLLM_LOGGING_LEVEL", "DEBUG");
  EXPECT_EQ(env::logging_level(), "DEBUG");
  const Scoped own("QUIRE_LOGGING_LEVEL", "ERROR");
  EXPECT_EQ(env::logging_level(), "ERROR");
}

TEST_F(Env, AnEmptyVariableIsNotSet) {
  const Scoped empty("QUIRE_CPU_ISA", "");
  EXPECT_EQ(env::cpu_isa(), std::nullopt);
}

TEST_F(Env, AliasesAreNamesAndFolders) {
  EXPECT_EQ(env::model_alias("a"), std::nullopt);
  const Scoped aliases("QUIRE_MODEL_ALIASES", "org/a=models/x,b=models/y");
  EXPECT_EQ(env::model_alias("org/a"), "models/x");
  EXPECT_EQ(env::model_alias("b"), "models/y");
  EXPECT_EQ(env::model_alias("c"), std::nullopt);
  for (const char* wrong : {"a", "=x", "a=", "b=c,,d=e"}) {
    const Scoped broken("QUIRE_MODEL_ALIASES", wrong);
    EXPECT_THROW((void)env::model_alias("none"), InvalidArgument) << wrong;
  }
}

TEST_F(Env, AnUnsetSwitchOfTheSchedulerIsNeitherOnNorOff) {
  EXPECT_EQ(env::use_v1(), std::nullopt);
  {
    const Scoped v0("VLLM_USE_V1", "0");
    EXPECT_EQ(env::use_v1(), false);
  }
  const Scoped v1("VLLM_USE_V1", "1");
  EXPECT_EQ(env::use_v1(), true);
  EXPECT_THAT(env::unknown_vllm_variables(), testing::IsEmpty());
}

TEST_F(Env, SwitchesTakeWordsAndRefuseTheRest) {
  EXPECT_FALSE(env::hf_hub_offline());
  for (const char* on : {"1", "true", "YES", "On"}) {
    const Scoped offline("HF_HUB_OFFLINE", on);
    EXPECT_TRUE(env::hf_hub_offline()) << on;
  }
  const Scoped off("HF_HUB_OFFLINE", "0");
  EXPECT_FALSE(env::hf_hub_offline());
  const Scoped wrong("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "maybe");
  EXPECT_THROW(env::allow_long_max_model_len(), InvalidArgument);
}

TEST_F(Env, NumbersAreWholeOrRefusedByName) {
  EXPECT_EQ(env::max_n_sequences(), 16384);
  const Scoped number("VLLM_MAX_N_SEQUENCES", "12");
  EXPECT_EQ(env::max_n_sequences(), 12);
  const Scoped wrong("VLLM_CPU_KVCACHE_SPACE", "4GB");
  try {
    env::cpu_kv_cache_space_gib();
    FAIL() << "nothing was thrown";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "VLLM_CPU_KVCACHE_SPACE");
  }
}

TEST_F(Env, TheHashSeedIsWhatPythonTakes) {
  EXPECT_EQ(env::hash_seed(), std::nullopt);
  for (const char* seed : {"0", "4294967295"}) {
    const Scoped number("PYTHONHASHSEED", seed);
    EXPECT_EQ(env::hash_seed(), seed);
  }
  {
    const Scoped random("PYTHONHASHSEED", "random");
    EXPECT_EQ(env::hash_seed(), std::nullopt);
  }
  for (const char* wrong : {"abc", "-1", "4294967296", "1.5"}) {
    const Scoped seed("PYTHONHASHSEED", wrong);
    EXPECT_THROW(env::hash_seed(), InvalidArgument) << wrong;
  }
}

TEST_F(Env, TheCacheFolderFollowsHuggingFacesVariables) {
  const Scoped user_cache("XDG_CACHE_HOME", "/x");
  EXPECT_EQ(env::hf_hub_cache(), "/x/huggingface/hub");
  const Scoped home("HF_HOME", "/h");
  EXPECT_EQ(env::hf_hub_cache(), "/h/hub");
  const Scoped cache("HF_HUB_CACHE", "/c");
  EXPECT_EQ(env::hf_hub_cache(), "/c");
}

TEST_F(Env, VllmsUnknownVariablesAreNamed) {
  const Scoped unknown("VLLM_NO_SUCH_THING", "1");
  const Scoped known("VLLM_LOGGING_LEVEL", "INFO");
  EXPECT_THAT(env::unknown_vllm_variables(), ElementsAre("VLLM_NO_SUCH_THING"));
}

TEST_F(Env, TheDocumentListsEveryVariableAsTheCodeDoes) {
  std::ifstream document(QUIRE_DOCS_DIR "/environment.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("| `")) rows.push_back(line);
  }
  std::vector<std::string> expected;
  for (const env::Variable& variable : env::variables()) {
    const std::string also = variable.also == nullptr ? "" : fmt::format("`{}`", variable.also);
    expected.push_back(fmt::format("| `{}` | {} | {} |", variable.name, also, variable.help));
  }
  EXPECT_EQ(rows, expected);
}

}  // namespace
}  // namespace quire
