#include "bench/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/temporary_model.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

using ::testing::HasSubstr;

class WorkloadTest : public ::testing::Test {
 protected:
  void use_model(int max_position_embeddings) {
    dir_ = make_temporary_model(
        R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
            "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "vocab_size": 512, "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true,
            "max_position_embeddings": )" +
        std::to_string(max_position_embeddings) + "}"
    );
    options_.engine.model = dir_->string();
    options_.engine.skip_tokenizer_init = true;
  }

  void expect_refused(const std::string& name, const std::string& text) {
    try {
      (void)make_workload(name, options_);
      ADD_FAILURE() << name << " was made";
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "max_model_len");
      EXPECT_THAT(error.what(), HasSubstr(text));
    }
  }

  std::shared_ptr<const std::filesystem::path> dir_;
  WorkloadOptions options_;
};

TEST_F(WorkloadTest, AnAutomaticLengthIsTheModels) {
  use_model(2048);
  options_.engine.max_model_len = -1;
  const Workload workload = make_workload("mixed", options_);
  EXPECT_EQ(workload.requests.size(), 4u * (16 + 8));
  EXPECT_EQ(workload.baseline.max_model_len, -1);
  use_model(1024);
  expect_refused("mixed", "requests of 1032 tokens, more than the model's 1024");
}

TEST_F(WorkloadTest, ALengthThatV0CannotComputeInAStepNamesTheOneThatItCan) {
  use_model(8192);
  expect_refused("mixed", "give --max-model-len 2048");
  expect_refused("chat", "give --max-model-len 2048");
  options_.engine.max_model_len = 2048;
  EXPECT_FALSE(make_workload("mixed", options_).requests.empty());
}

TEST_F(WorkloadTest, ALongModelIsNoneOfV1sTroubles) {
  use_model(8192);
  for (const char* name : {"no-hits", "async"}) {
    const Workload workload = make_workload(name, options_);
    EXPECT_EQ(workload.baseline.scheduler, "v1");
    EXPECT_EQ(workload.candidate.scheduler, "v1");
  }
}

TEST_F(WorkloadTest, EnginesDifferInWhatTheWorkloadCompares) {
  use_model(2048);
  const Workload schedulers = make_workload("shared-prefix", options_);
  EXPECT_EQ(schedulers.baseline.scheduler, "v0");
  EXPECT_EQ(schedulers.baseline.enable_prefix_caching, false);
  EXPECT_EQ(schedulers.candidate.scheduler, "v1");
  EXPECT_EQ(schedulers.candidate.enable_prefix_caching, true);
  const Workload caching = make_workload("no-hits", options_);
  EXPECT_EQ(caching.baseline.enable_prefix_caching, false);
  EXPECT_EQ(caching.candidate.enable_prefix_caching, true);
  const Workload async = make_workload("async", options_);
  EXPECT_FALSE(async.baseline.async_scheduling);
  EXPECT_TRUE(async.candidate.async_scheduling);
}

TEST(WorkloadNameTest, AllNamesAreKnownAndOthersAreNot) {
  for (const std::string& name : workload_names())
    EXPECT_NO_THROW(check_workload_name(name)) << name;
  EXPECT_THROW(check_workload_name("sonnet"), InvalidArgument);
}

}  // namespace
}  // namespace quire::bench
