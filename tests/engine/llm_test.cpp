#include "quire/llm.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/chat_prompt.h"
#include "quire/error.h"
#include "quire/tokenizer.h"
#include "support/fake_engine_core_client.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int32_t kEos = 2;

class LLMTest : public ::testing::Test {
 protected:
  // A model that counts up to `stop_after`.
  void start(int32_t stop_after = 3000, int max_model_len = 128) {
    start(test::counting_model(stop_after, kEos), max_model_len);
  }
  void start(test::FakeModel model, int max_model_len = 128) {
    auto core = std::make_unique<test::FakeEngineCoreClient>(std::move(model));
    core_ = core.get();
    llm_ = std::make_unique<LLM>(std::make_unique<AsyncEngine>(
        test::load_with_fake_core(std::move(core), EngineConfig{}, max_model_len)
    ));
  }

  std::vector<RequestOutput> generate(
      const std::vector<Prompt>& prompts, const std::vector<SamplingParams>& params
  ) {
    return llm_->generate(prompts, params);
  }

  static SamplingParams greedy(int max_tokens) {
    SamplingParams params;
    params.temperature = 0.0;
    params.max_tokens = max_tokens;
    return params;
  }

  std::unique_ptr<LLM> llm_;
  test::FakeEngineCoreClient* core_ = nullptr;
};

TEST_F(LLMTest, OutputsComeInTheOrderOfThePrompts) {
  start();
  const auto outputs = generate({{.token_ids = {10}}, {.token_ids = {20}}}, {greedy(3), greedy(2)});
  ASSERT_THAT(outputs, SizeIs(2));
  EXPECT_THAT(outputs[0].outputs.at(0).token_ids, ElementsAre(11, 12, 13));
  EXPECT_THAT(outputs[1].outputs.at(0).token_ids, ElementsAre(21, 22));
  EXPECT_EQ(outputs[0].request_id, "0");
  EXPECT_EQ(outputs[1].request_id, "1");
}

TEST_F(LLMTest, OneParamsServeAllPrompts) {
  start();
  const auto outputs = generate({{.token_ids = {10}}, {.token_ids = {20}}}, {greedy(1)});
  EXPECT_THAT(outputs[1].outputs.at(0).token_ids, ElementsAre(21));
}

TEST_F(LLMTest, TheEndOfTextTokenEndsTheOutput) {
  start(11);
  const auto output = generate({{.token_ids = {10}}}, {greedy(9)})[0].outputs.at(0);
  EXPECT_THAT(output.token_ids, ElementsAre(11, kEos));
  EXPECT_EQ(output.finish_reason, FinishReason::kStop);
}

TEST_F(LLMTest, RefusesListsOfOtherLengths) {
  start();
  EXPECT_THROW(generate({{.token_ids = {10}}}, {greedy(1), greedy(1)}), InvalidArgument);
  EXPECT_THROW(generate({{.token_ids = {10}}}, {}), InvalidArgument);
  GenerateOptions options;
  options.priorities = {1, 2};
  const std::vector<Prompt> prompts = {{.token_ids = {10}}};
  const SamplingParams params = greedy(1);
  EXPECT_THROW((void)llm_->generate(prompts, {&params, 1}, options), InvalidArgument);
}

TEST_F(LLMTest, OneBadPromptRefusesTheBatchAndAbortsTheRest) {
  start(test::FakeModel());  // the first request never ends by itself
  EXPECT_THROW(generate({{.token_ids = {10}}, {}}, {greedy(3)}), InvalidArgument);
  EXPECT_THAT(core_->aborted(), ElementsAre(core_->added().at(0).id));
}

TEST_F(LLMTest, NoPromptsGiveNoOutputs) {
  start();
  EXPECT_THAT(generate({}, {greedy(1)}), IsEmpty());
}

TEST_F(LLMTest, ChatRendersTheTemplateWithAGenerationPrompt) {
  start();
  const std::vector<std::vector<ChatMessage>> conversations = {{{"user", "Hi"}}};
  const SamplingParams params = greedy(1);
  const auto outputs = llm_->chat(conversations, {&params, 1});
  const std::string expected = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(outputs.at(0).prompt, expected);
  EXPECT_EQ(outputs[0].prompt_token_ids, llm_->engine().tokenizer()->encode(expected, false));
}

TEST_F(LLMTest, ChatGoesOnWithTheLastMessage) {
  start();
  const std::vector<ChatMessage> messages = {{"user", "Hi"}, {"assistant", "Well, "}};
  ChatOptions options;
  options.continue_final_message = true;
  EXPECT_THROW((void)render_chat_prompt(llm_->engine(), messages, options), InvalidArgument)
      << "it would begin a new one at once";
  options.add_generation_prompt = false;
  EXPECT_THAT(
      render_chat_prompt(llm_->engine(), messages, options).text,
      ::testing::EndsWith("<|im_start|>assistant\nWell, ")
  );
}

TEST_F(LLMTest, ChatPassesToolsAndTemplateVariables) {
  start();
  ChatOptions options;
  options.tools_json = R"([{"type": "function", "function": {"name": "weather"}}])";
  const std::vector<ChatMessage> messages = {{"user", "Hi"}};
  EXPECT_THAT(render_chat_prompt(llm_->engine(), messages, options).text, HasSubstr("- weather("));
  options.tools_json = "{";
  EXPECT_THROW((void)render_chat_prompt(llm_->engine(), messages, options), InvalidArgument);
}

TEST_F(LLMTest, ChatContextIsJson) {
  const std::vector<ChatMessage> messages = {{"user", "say \"hi\"\n"}};
  ChatOptions options;
  options.chat_template_kwargs_json = R"({"enable_thinking": false})";
  EXPECT_EQ(
      chat_context_json(messages, options),
      R"({"messages": [{"role": "user", "content": "say \"hi\"\n"}], )"
      R"("add_generation_prompt": true, "enable_thinking": false})"
  );
  EXPECT_THAT(
      chat_context_json(messages, {}, ContentFormat::kOpenAi),
      HasSubstr(R"("content": [{"type": "text", "text": "say \"hi\"\n"}])")
  );
}

// A model over a handful of tokens whose logprobs depend on the last one; 10 ends the text.
TokenLogprobs small_language(std::span<const int32_t> token_ids) {
  TokenLogprobs out;
  std::vector<std::pair<float, int32_t>> ranked;
  double sum = 0.0;
  for (int32_t id = 10; id < 15; ++id) {
    const double weight = 1.0 + std::fmod(token_ids.back() * 0.7391 + id * 2.3177, 3.0);  // no ties
    ranked.emplace_back(static_cast<float>(weight), id);
    sum += weight;
  }
  std::sort(ranked.rbegin(), ranked.rend());
  for (const auto& [weight, id] : ranked) {
    out.token_ids.push_back(id == 10 ? kEos : id);
    out.logprobs.push_back(static_cast<float>(std::log(weight / sum)));
  }
  return out;
}

struct Sequence {
  std::vector<int32_t> token_ids;  // without the end-of-text token
  double logprob = 0.0;
  double score = 0.0;
};

// Every sequence that the small language allows, best score first.
void enumerate(Sequence sequence, int num_left, double length_penalty, std::vector<Sequence>& out) {
  const auto finish = [&](Sequence done) {
    done.score =
        done.logprob / std::pow(static_cast<double>(done.token_ids.size()), length_penalty);
    out.push_back(std::move(done));
  };
  if (num_left == 0) return finish(std::move(sequence));
  const TokenLogprobs next = small_language(sequence.token_ids);
  for (size_t i = 0; i < next.token_ids.size(); ++i) {
    Sequence longer = sequence;
    longer.logprob += next.logprobs[i];
    if (next.token_ids[i] == kEos) {
      finish(std::move(longer));
      continue;
    }
    longer.token_ids.push_back(next.token_ids[i]);
    enumerate(std::move(longer), num_left - 1, length_penalty, out);
  }
}

TEST_F(LLMTest, AWideBeamSearchFindsTheBestSequences) {
  start(small_language);
  for (const double length_penalty : {1.0, 0.0}) {
    BeamSearchParams params;
    params.beam_width = 10;  // 2 * 10 candidates of 5 tokens: no step loses any
    params.max_tokens = 2;
    params.length_penalty = length_penalty;
    std::vector<Sequence> all;
    enumerate({.token_ids = {12}}, params.max_tokens, length_penalty, all);
    std::stable_sort(all.begin(), all.end(), [](const Sequence& a, const Sequence& b) {
      return a.score > b.score;
    });
    const std::vector<Prompt> prompts = {{.token_ids = {12}}};
    const auto beams = llm_->beam_search(prompts, params).at(0);
    ASSERT_THAT(beams, SizeIs(10));
    for (size_t i = 0; i < beams.size(); ++i) {
      EXPECT_EQ(beams[i].token_ids, all[i].token_ids) << "place " << i;
      EXPECT_NEAR(beams[i].cumulative_logprob, all[i].logprob, 1e-5);
    }
  }
}

TEST_F(LLMTest, ABeamOfOneIsGreedy) {
  start();
  BeamSearchParams params;
  params.max_tokens = 4;
  const std::vector<Prompt> prompts = {{.token_ids = {10}}, {.token_ids = {20}}};
  const auto beams = llm_->beam_search(prompts, params);
  ASSERT_THAT(beams, SizeIs(2));
  EXPECT_THAT(beams[0].at(0).token_ids, ElementsAre(10, 11, 12, 13, 14));
  EXPECT_THAT(beams[1].at(0).token_ids, ElementsAre(20, 21, 22, 23, 24));
  EXPECT_EQ(beams[0][0].finish_reason, FinishReason::kLength);
  EXPECT_EQ(
      beams[0][0].text, llm_->engine().tokenizer()->decode(std::vector<int32_t>{11, 12, 13, 14})
  );
}

TEST_F(LLMTest, BeamsEndAtTheEndOfTextUnlessItIsIgnored) {
  start(11);
  BeamSearchParams params;
  params.max_tokens = 5;
  const std::vector<Prompt> prompts = {{.token_ids = {10}}};
  const auto ended = llm_->beam_search(prompts, params).at(0);
  const auto is_ended = [](const BeamSearchSequence& s) {
    return s.finish_reason == FinishReason::kStop;
  };
  EXPECT_TRUE(std::any_of(ended.begin(), ended.end(), is_ended));
  params.include_stop_str_in_output = true;
  EXPECT_EQ(llm_->beam_search(prompts, params).at(0).at(0).token_ids.back(), kEos);
  params.ignore_eos = true;
  const auto endless = llm_->beam_search(prompts, params).at(0);
  EXPECT_TRUE(std::none_of(endless.begin(), endless.end(), is_ended));
}

TEST_F(LLMTest, BeamsStopAtTheModelsLength) {
  start(3000, 4);
  BeamSearchParams params;
  params.max_tokens = 50;
  const std::vector<Prompt> prompts = {{.token_ids = {10, 11}}};
  EXPECT_THAT(llm_->beam_search(prompts, params).at(0).at(0).token_ids, SizeIs(4));
}

TEST_F(LLMTest, BeamsShareBlocksOnlyUnderTheirPromptsSalt) {
  start();
  BeamSearchParams params;
  params.beam_width = 2;
  params.max_tokens = 2;
  const std::vector<Prompt> prompts = {{.token_ids = {10}, .cache_salt = "mine"}};
  (void)llm_->beam_search(prompts, params);
  const std::vector<Request> added = core_->added();
  ASSERT_THAT(added, SizeIs(3)) << "one, then two beams";
  for (const Request& request : added)
    EXPECT_EQ(request.cache_salt, "mine");
}

TEST_F(LLMTest, BeamSearchRefusesWhatItCannotDo) {
  start();
  const std::vector<Prompt> prompts = {{.token_ids = {10}}};
  const auto field_of = [&](const BeamSearchParams& params) {
    try {
      (void)llm_->beam_search(prompts, params);
    } catch (const InvalidArgument& error) {
      return error.field();
    }
    return std::string("accepted");
  };
  BeamSearchParams params;
  params.beam_width = 0;
  EXPECT_EQ(field_of(params), "beam_width");
  params.beam_width = 11;  // 22 logprobs, more than the engine gives
  EXPECT_EQ(field_of(params), "beam_width");
  params.beam_width = INT32_MAX;  // twice that is no int
  EXPECT_EQ(field_of(params), "beam_width");
  params.beam_width = 1;
  params.max_tokens = 0;
  EXPECT_EQ(field_of(params), "max_tokens");
}

}  // namespace
}  // namespace quire
