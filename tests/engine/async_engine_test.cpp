#include "quire/async_engine.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/chat_template.h"
#include "quire/error.h"
#include "quire/tokenizer.h"
#include "support/fake_engine_core_client.h"
#include "support/test_paths.h"
#include "support/thread_limit.h"

namespace quire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// An engine whose steps the test tells.
class AsyncEngineTest : public ::testing::Test {
 protected:
  AsyncEngineTest() {
    auto core = std::make_unique<test::FakeEngineCoreClient>();
    core_ = core.get();
    engine_ = std::make_unique<AsyncEngine>(test::load_with_fake_core(std::move(core)));
  }

  std::shared_ptr<RequestStream> add(
      const std::string& id, SamplingParams params = {}, const AddRequestOptions& options = {}
  ) {
    params.output_kind = RequestOutputKind::kDelta;
    return engine_->add_request(id, {.token_ids = {5, 6}}, params, options);
  }

  // One token for the i-th request that was added.
  void emit(size_t i, int32_t token, std::optional<FinishReason> reason = {}) {
    EngineCoreOutput output;
    output.request_id = core_->added().at(i).id;
    output.finish_reason = reason;
    core_->emit(std::move(output), {token});
  }

  std::unique_ptr<AsyncEngine> engine_;
  test::FakeEngineCoreClient* core_ = nullptr;
};

TEST_F(AsyncEngineTest, StreamsTokensAsTheyCome) {
  const auto stream = add("a");
  emit(0, 500);
  EXPECT_THAT(stream->next()->outputs.at(0).token_ids, ElementsAre(500));
  emit(0, 501, FinishReason::kLength);
  const RequestOutput last = *stream->next();
  EXPECT_THAT(last.outputs.at(0).token_ids, ElementsAre(501));
  EXPECT_TRUE(last.finished);
  EXPECT_EQ(last.request_id, "a");
  EXPECT_FALSE(stream->next().has_value());
  EXPECT_TRUE(stream->finished());
  EXPECT_THAT(core_->aborted(), IsEmpty());
}

TEST_F(AsyncEngineTest, AListenerHearsOfEachStepAfterItsOutputs) {
  std::atomic<int> num_steps = 0;
  const auto stream = add("a");
  std::promise<bool> was_readable;
  engine_->set_step_listener([&] {
    if (num_steps++ == 0) was_readable.set_value(stream->try_next().has_value());
  });
  emit(0, 500);
  EXPECT_TRUE(was_readable.get_future().get());
  engine_->set_step_listener({});
  emit(0, 501, FinishReason::kLength);
  EXPECT_TRUE(stream->next()->finished);
  EXPECT_EQ(num_steps, 1);
}

TEST_F(AsyncEngineTest, AReaderThatIsToldNeedsNoThreadToWait) {
  std::mutex mutex;
  std::vector<int32_t> ids;
  std::promise<void> end;
  std::shared_ptr<RequestStream> stream;
  AddRequestOptions options;
  options.max_pending_outputs = 8;
  options.on_output = [&] {
    std::lock_guard lock(mutex);  // add_request may not have returned yet
    while (const auto output = stream->try_next())
      ids.push_back(output->outputs.at(0).token_ids.at(0));
    if (stream->finished()) end.set_value();
  };
  {
    std::lock_guard lock(mutex);
    stream = add("a", {}, options);
  }
  for (const int32_t id : {500, 501})
    emit(0, id);
  emit(0, 502, FinishReason::kLength);
  end.get_future().wait();
  EXPECT_THAT(ids, ElementsAre(500, 501, 502)) << "one output a step";
}

TEST_F(AsyncEngineTest, NoReaderIsToldAfterItDroppedItsStream) {
  for (size_t i = 0; i < 200; ++i) {
    auto is_alive = std::make_unique<std::atomic<bool>>(true);
    AddRequestOptions options;
    options.on_output = [&] { ASSERT_TRUE(is_alive->load()); };
    auto stream = add("a", {}, options);
    emit(i, 500);
    stream.reset();
    is_alive->store(false);
  }
}

TEST_F(AsyncEngineTest, AnIdMayBeUsedAgainOnlyAfterItsEnd) {
  const auto first = add("a");
  try {
    add("a");
    FAIL() << "two requests with one id";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "request_id");
  }
  EXPECT_THAT(core_->added(), SizeIs(1)) << "the refused one never reached the core";
  emit(0, 500, FinishReason::kLength);
  (void)first->next();
  EXPECT_NO_THROW(add("a"));
}

TEST_F(AsyncEngineTest, AnIdIsFreeAsSoonAsItsEndWasRead) {
  constexpr size_t kNumRounds = 300;
  for (size_t i = 0; i < kNumRounds; ++i) {
    const auto stream = add("a");
    emit(i, 500, FinishReason::kLength);
    ASSERT_TRUE(stream->next()->finished);
  }
  EXPECT_THAT(core_->aborted(), IsEmpty()) << "every stream was dropped after its end";
}

TEST_F(AsyncEngineTest, ARefusedRequestDisturbsNobody) {
  const auto good = add("good");
  EXPECT_THROW(engine_->add_request("bad", {}, {}), InvalidArgument);
  emit(0, 500, FinishReason::kLength);
  EXPECT_TRUE(good->next()->finished);
}

TEST_F(AsyncEngineTest, AbortEndsTheStreamAndTellsTheCore) {
  const auto stream = add("a");
  engine_->abort("a");
  const RequestOutput output = *stream->next();
  EXPECT_EQ(output.outputs.at(0).finish_reason, FinishReason::kAbort);
  EXPECT_FALSE(stream->next().has_value());
  EXPECT_THAT(core_->aborted(), ElementsAre(core_->added()[0].id));
  // What the step in flight still says comes too late.
  emit(0, 500);
  const auto other = add("b");
  emit(1, 501);
  EXPECT_THAT(other->next()->outputs.at(0).token_ids, ElementsAre(501));
}

TEST_F(AsyncEngineTest, AbortOfAnUnknownRequestDoesNothing) {
  engine_->abort("nobody");
  EXPECT_THAT(core_->aborted(), IsEmpty());
}

TEST_F(AsyncEngineTest, AbortEndsAllCompletions) {
  SamplingParams params;
  params.n = 3;
  const auto stream = add("a", params);
  emit(1, 500, FinishReason::kLength);
  (void)stream->next();
  engine_->abort("a");
  const RequestOutput output = *stream->next();
  EXPECT_TRUE(output.finished);
  EXPECT_THAT(output.outputs, SizeIs(2)) << "one had ended before";
  const auto added = core_->added();
  EXPECT_THAT(core_->aborted(), ElementsAre(added[0].id, added[2].id));
}

TEST_F(AsyncEngineTest, DroppingAStreamAbortsItsRequest) {
  add("a").reset();
  EXPECT_THAT(core_->aborted(), ElementsAre(core_->added()[0].id));
}

TEST_F(AsyncEngineTest, DroppingAFinishedStreamAbortsNothing) {
  auto stream = add("a");
  emit(0, 500, FinishReason::kLength);
  (void)stream->next();
  stream.reset();
  EXPECT_THAT(core_->aborted(), IsEmpty());
}

TEST_F(AsyncEngineTest, AStopStringAbortsTheRequestInTheCore) {
  SamplingParams params;
  params.stop = {"student"};
  params.max_tokens = 100;
  const auto stream = add("a", params);
  for (const int32_t id : engine_->tokenizer()->encode(" a student here", false))
    emit(0, id);
  std::string text;
  while (auto output = stream->next())
    text += output->outputs.at(0).text;
  EXPECT_EQ(text, " a ");
  // The abort follows the output.
  while (core_->aborted().empty())
    std::this_thread::yield();
  EXPECT_THAT(core_->aborted(), ElementsAre(core_->added()[0].id));
}

TEST_F(AsyncEngineTest, ADeadCoreEndsEveryStreamWithItsReason) {
  const auto first = add("a");
  const auto second = add("b");
  emit(0, 500);
  core_->die("the device is gone");
  RequestOutput last;
  while (auto output = first->next())
    last = std::move(*output);
  EXPECT_EQ(last.error, "the device is gone");
  EXPECT_EQ(last.outputs.at(0).finish_reason, FinishReason::kError);
  EXPECT_EQ(second->next()->error, "the device is gone");
  EXPECT_EQ(engine_->dead_reason(), "the device is gone");
}

TEST_F(AsyncEngineTest, ADeadEngineTakesNoRequests) {
  const auto stream = add("a");
  core_->die("the device is gone");
  while (stream->next()) {
  }
  try {
    add("b");
    FAIL() << "accepted by a dead engine";
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the device is gone"));
  }
}

TEST_F(AsyncEngineTest, ABrokenConnectionToTheCoreEndsEveryStream) {
  const auto stream = add("a");
  core_->break_connection("nobody answers");
  const RequestOutput last = *stream->next();
  EXPECT_EQ(last.error, "nobody answers");
  EXPECT_EQ(last.outputs.at(0).finish_reason, FinishReason::kError);
  EXPECT_EQ(engine_->dead_reason(), "nobody answers");
  EXPECT_THROW(add("b"), InternalError);
}

// Token 1 makes its decoder panic; no load shows it, because nothing is decoded then.
constexpr const char* kTokenizerWithATrap = R"({"version":"1.0","added_tokens":[],
    "normalizer":null,"pre_tokenizer":null,"post_processor":null,
    "decoder":{"type":"Sequence","decoders":[
        {"type":"Strip","content":"_","start":1,"stop":1},{"type":"BPEDecoder","suffix":"</w>"}]},
    "model":{"type":"WordLevel","vocab":{"lo</w>":0,"_":1},"unk_token":"_"}})";

TEST(AsyncEngineUndecodableTest, ATailWithoutATextFailsItsRequestAlone) {
  auto core = std::make_unique<test::FakeEngineCoreClient>();
  test::FakeEngineCoreClient& steps = *core;
  LoadedEngine loaded = test::load_with_fake_core(std::move(core));
  loaded.tokenizer = Tokenizer::from_json(kTokenizerWithATrap);
  ASSERT_ANY_THROW((void)loaded.tokenizer->decode(std::vector<int32_t>{1}));
  AsyncEngine engine(std::move(loaded));
  const auto emit = [&](size_t i, int32_t token, std::optional<FinishReason> reason = {}) {
    EngineCoreOutput output;
    output.request_id = steps.added().at(i).id;
    output.finish_reason = reason;
    steps.emit(std::move(output), {token});
  };
  SamplingParams params;
  params.n = 2;
  params.output_kind = RequestOutputKind::kFinalOnly;
  const auto bad = engine.add_request("bad", {.token_ids = {0}}, params);
  params.n = 1;
  const auto good = engine.add_request("good", {.token_ids = {0}}, params);
  emit(0, 0);
  emit(1, 0);
  emit(0, 1, FinishReason::kLength);
  const RequestOutput failed = *bad->next();
  EXPECT_TRUE(failed.error.has_value());
  ASSERT_THAT(failed.outputs, SizeIs(2));
  EXPECT_EQ(failed.outputs[0].text, failed.outputs[1].text) << "the text so far";
  EXPECT_FALSE(failed.outputs[0].text.empty());
  EXPECT_FALSE(bad->next().has_value());
  emit(2, 0, FinishReason::kLength);
  EXPECT_EQ(good->next()->error, std::nullopt);
}

TEST_F(AsyncEngineTest, ShutdownAbortsWhatRuns) {
  const auto stream = add("a");
  engine_->shutdown();
  EXPECT_EQ(stream->next()->outputs.at(0).finish_reason, FinishReason::kAbort);
  EXPECT_THROW(add("b"), InternalError);
  EXPECT_EQ(engine_->dead_reason(), std::nullopt) << "it was told to stop";
}

TEST_F(AsyncEngineTest, AStreamMayOutliveItsEngine) {
  const auto stream = add("a");
  engine_.reset();
  EXPECT_EQ(stream->next()->outputs.at(0).finish_reason, FinishReason::kAbort);
  EXPECT_FALSE(stream->next().has_value());
}

TEST_F(AsyncEngineTest, ManyThreadsAddReadAndAbort) {
  constexpr int kNumThreads = 4;
  constexpr int kNumRequests = 50;
  auto core = std::make_unique<test::FakeEngineCoreClient>(test::counting_model(2000, 2));
  AsyncEngine engine(test::load_with_fake_core(std::move(core)));
  std::vector<std::jthread> threads;
  for (int t = 0; t < kNumThreads; ++t) {
    threads.emplace_back([&engine, t] {
      for (int i = 0; i < kNumRequests; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        const int32_t first = 100 + t;
        const auto stream = engine.add_request(id, {.token_ids = {first}}, {});
        if (i % 5 == 0) engine.abort(id);
        RequestOutput last;
        while (auto output = stream->next())
          last = std::move(*output);
        ASSERT_TRUE(last.finished);
        const CompletionOutput& completion = last.outputs.at(0);
        for (size_t k = 0; k < completion.token_ids.size(); ++k) {
          ASSERT_EQ(completion.token_ids[k], first + 1 + static_cast<int32_t>(k));
        }
        const bool was_aborted = i % 5 == 0;
        ASSERT_TRUE(was_aborted || completion.token_ids.size() == 16u);
      }
    });
  }
}

TEST_F(AsyncEngineTest, RendersAChatWithoutASecondSetOfSpecialTokens) {
  const Prompt prompt =
      engine_->render_chat(R"({"messages": [{"role": "user", "content": "Hi"}]})");
  EXPECT_EQ(prompt.text, "<|im_start|>user\nHi<|im_end|>\n");
  EXPECT_EQ(prompt.token_ids, engine_->tokenizer()->encode(prompt.text, false));
}

TEST_F(AsyncEngineTest, NamesAllEndOfTextTokensTheTokenizersFirst) {
  EXPECT_THAT(engine_->eos_token_ids(), ElementsAre(2, 0));
}

TEST(AsyncEngineThreadsTest, ThoseThatCannotBeStartedAreAnErrorAndTheOthersEnd) {
  for (const int num_started : {0, 1}) {
    LoadedEngine loaded = test::load_with_fake_core(std::make_unique<test::FakeEngineCoreClient>());
    ASSERT_FALSE(loaded.config.disable_log_stats) << "an engine of one thread";
    const test::ThreadLimit limit(num_started);
    EXPECT_THROW(AsyncEngine(std::move(loaded)), EnvironmentError) << num_started;
  }
}

TEST(AsyncEngineDefaultsTest, ComeFromTheGenerationConfig) {
  LoadedEngine loaded = test::load_with_fake_core(std::make_unique<test::FakeEngineCoreClient>());
  loaded.model.default_temperature = 0.6;
  loaded.model.default_top_k = 20;
  loaded.model.default_max_new_tokens = 99;
  const AsyncEngine engine(std::move(loaded));
  const SamplingParams params = engine.default_sampling_params();
  EXPECT_EQ(params.temperature, 0.6);
  EXPECT_EQ(params.top_k, 20);
  EXPECT_EQ(params.max_tokens, 99);
  EXPECT_EQ(params.top_p, 1.0) << "vLLM's default where the model has none";
}

EngineConfig with_chat_template(const std::string& chat_template) {
  EngineConfig config;
  config.model = (test::bundled_models_dir() / "small-chat").string();
  config.load_format = "null";
  config.chat_template = chat_template;
  return config;
}

TEST(AsyncEngineChatTemplateTest, MayBeTextOfTheOptions) {
  const AsyncEngine engine(with_chat_template("{{ messages[0].content }}!"));
  EXPECT_EQ(engine.render_chat(R"({"messages": [{"content": "Hi"}]})").text, "Hi!");
}

TEST(AsyncEngineChatTemplateTest, OneThatCannotBeUsedIsRefusedAtTheStart) {
  for (const std::string wish : {"no/such/file.jinja", "{% for x in %}"}) {
    try {
      const AsyncEngine engine(with_chat_template(wish));
      ADD_FAILURE() << wish << " was taken";
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "chat_template") << error.what();
    }
  }
}

}  // namespace
}  // namespace quire
