#include "bench/measured_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/temporary_model.h"
#include "quire/error.h"
#include "support/test_paths.h"

namespace quire::bench {
namespace {

using ::testing::HasSubstr;

EngineConfig null_config(const std::filesystem::path& model) {
  EngineConfig config;
  config.model = model.string();
  config.load_format = "null";
  config.skip_tokenizer_init = true;
  config.use_tqdm_on_load = false;
  config.disable_log_stats = true;
  return config;
}

// A model of four layers, of which those named "sliding_attention" have a window.
std::shared_ptr<const std::filesystem::path> windowed_model(const std::string& layer_types) {
  return make_temporary_model(
      R"({"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 64,
          "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
          "num_key_value_heads": 2, "vocab_size": 512, "max_position_embeddings": 512,
          "rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": true,
          "use_sliding_window": true, "sliding_window": 64, "layer_types": [)" +
      layer_types + "]}"
  );
}

const std::string kMixedLayers =
    R"("full_attention", "full_attention", "sliding_attention", "sliding_attention")";
const std::string kWindowedLayers =
    R"("sliding_attention", "sliding_attention", "sliding_attention", "sliding_attention")";

std::string refusal_of_model(const EngineConfig& config) {
  try {
    const MeasuredEngine engine(config);
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "model");
    return error.what();
  }
  return "";
}

TEST(MeasuredEngineTest, RefusesModelsWhoseBlocksItCannotCount) {
  const auto mixed = windowed_model(kMixedLayers);
  EngineConfig config = null_config(*mixed);
  EXPECT_THAT(refusal_of_model(config), HasSubstr("--disable-hybrid-kv-cache-manager"));
  config.disable_hybrid_kv_cache_manager = true;
  EXPECT_EQ(refusal_of_model(config), "");
  const auto windowed = windowed_model(kWindowedLayers);
  EXPECT_THAT(refusal_of_model(null_config(*windowed)), HasSubstr("All layers"));
}

class MeasuredPassTest : public ::testing::Test {
 protected:
  MeasuredPassTest() {
    config_ = null_config(test::bundled_models_dir() / "small-chat");
    workload_.name = "test";
    workload_.requests = {
        {.token_ids = std::vector<int32_t>(20, 7), .num_output_tokens = 4},
        {.token_ids = std::vector<int32_t>(2044, 8), .num_output_tokens = 4},
    };
  }

  EngineConfig config_;
  Workload workload_;
};

TEST_F(MeasuredPassTest, EachPassHasItsRequestsTokensAndSteps) {
  MeasuredEngine engine(config_);
  for (int pass = 0; pass < 3; ++pass) {
    const PassResult result = engine.run(workload_);
    ASSERT_EQ(result.requests.size(), 2u);
    EXPECT_EQ(result.requests[0].output_token_ids.size(), 4u);
    EXPECT_EQ(result.requests[1].token_times.size(), 4u);
    int num_prefill_tokens = 0;
    for (const StepRecord& step : result.steps) {
      num_prefill_tokens += step.num_prefill_tokens;
      EXPECT_GT(step.num_reqs, 0);
      EXPECT_GE(step.end, step.start);
    }
    EXPECT_EQ(num_prefill_tokens, 2064);
  }
}

// V0 keeps a hundredth of the blocks free, so a prompt of the whole cache never fits.
TEST_F(MeasuredPassTest, ARequestThatTheEngineEndsEarlyIsRefused) {
  config_.scheduler = "v0";
  config_.num_gpu_blocks_override = 129;
  MeasuredEngine engine(config_);
  try {
    (void)engine.run(workload_);
    ADD_FAILURE() << "a request without tokens was measured";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "--workload");
    EXPECT_THAT(error.what(), HasSubstr("Request 1 of the workload test"));
    EXPECT_THAT(error.what(), HasSubstr("after 0 of 4 tokens"));
  }
}

}  // namespace
}  // namespace quire::bench
