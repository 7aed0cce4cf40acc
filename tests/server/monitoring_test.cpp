// What the server tells of itself: health, metrics, load; what it does when the engine is stuck or
// too many requests wait.
#include "server/monitoring.h"

#include <chrono>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "server/api_error.h"
#include "server/monitored_routes.h"
#include "server/router.h"
#include "support/fake_engine_core_client.h"

namespace quire::server {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

// Gives the number of outputs as its answer.
class CountingAnswer final : public Answer {
 public:
  explicit CountingAnswer(bool is_streaming) : is_streaming_(is_streaming) {}
  void add(int, RequestOutput, std::string& events) override {
    ++num_outputs_;
    if (is_streaming_) events += "data: 1\n\n";
  }
  HttpResponse finish(std::string& events) override {
    if (is_streaming_) events += "data: [DONE]\n\n";
    return {.body = is_streaming_ ? "" : std::to_string(num_outputs_)};
  }
  void fail(const ErrorInfo&, std::string* events) override {
    if (events != nullptr) *events += "data: failed\n\n";
  }

 private:
  bool is_streaming_;
  int num_outputs_ = 0;
};

// The routes around an engine whose steps the test tells.
class MonitoringTest : public ::testing::Test {
 protected:
  void start(ServerConfig config = {}) {
    config_ = std::move(config);
    auto core = std::make_unique<test::FakeEngineCoreClient>();
    core_ = core.get();
    engine_ = std::make_unique<AsyncEngine>(test::load_with_fake_core(std::move(core)));
    monitoring_ = std::make_unique<Monitoring>(*engine_, config_);
    const auto generate = [this](bool is_streaming) -> Handler {
      return [this, is_streaming](const HttpRequest& request, const CallContext&) -> Reply {
        SamplingParams params;
        params.output_kind = RequestOutputKind::kDelta;
        Generation generation;
        generation.streams = {
            engine_->add_request(request.request_id, {.token_ids = {5, 6, 7}}, params)};
        generation.answer = std::make_unique<CountingAnswer>(is_streaming);
        generation.is_streaming = is_streaming;
        return generation;
      };
    };
    const Handler broken = [](const HttpRequest&, const CallContext&) -> Reply {
      throw InvalidArgument("prompt", "it is bad");
    };
    router_ = std::make_unique<Router>(monitor_routes(
        {{"POST", "/v1/completions", generate(false)},
         {"POST", "/v1/chat/completions", generate(true)},
         {"POST", "/tokenize", broken}},
        *monitoring_
    ));
  }

  Reply call(const std::string& method, const std::string& path, const Headers& headers = {}) {
    HttpRequest request{.method = method, .path = path, .headers = headers, .body = "{...}"};
    request.request_id = "id" + std::to_string(next_id_++);
    const RouteMatch match = router_->find(method, path);
    if (match.route == nullptr) throw std::runtime_error("no route " + path);
    return match.route->handler(request, {});
  }

  HttpResponse get(const std::string& path) { return std::get<HttpResponse>(call("GET", path)); }

  // One token, the last, for the i-th request.
  void end_request(size_t i) {
    EngineCoreOutput output;
    output.request_id = core_->added().at(i).id;
    output.finish_reason = FinishReason::kLength;
    core_->emit(std::move(output), {500});
  }

  // Reads a generation to its end, as the HTTP layer does.
  static HttpResponse finish(Reply reply) {
    auto& generation = std::get<Generation>(reply);
    std::string events;
    while (auto output = generation.streams[0]->next())
      generation.answer->add(0, std::move(*output), events);
    return generation.answer->finish(events);
  }

  ServerConfig config_;
  test::FakeEngineCoreClient* core_ = nullptr;
  std::unique_ptr<AsyncEngine> engine_;
  std::unique_ptr<Monitoring> monitoring_;
  std::unique_ptr<Router> router_;
  int next_id_ = 0;
};

TEST_F(MonitoringTest, HealthIsEmptyWhileTheEngineLives) {
  start();
  for (const char* path : {"/health", "/ping"}) {
    EXPECT_EQ(get(path).status, 200);
    EXPECT_THAT(get(path).body, IsEmpty());
  }
  EXPECT_EQ(std::get<HttpResponse>(call("POST", "/ping")).status, 200);
}

TEST_F(MonitoringTest, HealthTellsWhyTheEngineDied) {
  start();
  const auto stream = engine_->add_request("a", {.token_ids = {5}}, {});
  core_->die("the device is gone");
  while (stream->next()) {
  }
  while (!engine_->dead_reason())
    std::this_thread::yield();
  const HttpResponse response = get("/health");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("the device is gone"));
}

TEST_F(MonitoringTest, VersionIsTheProjects) {
  start();
  EXPECT_EQ(get("/version").body, "{\"version\":\"" QUIRE_VERSION "\"}");
}

TEST_F(MonitoringTest, AnswersThatAreBrokenOffCountWithTheStatusThatTheirClientsSee) {
  start();
  const ErrorInfo error{503, "Service Unavailable", "Over.", std::nullopt};
  {
    Reply reply = call("POST", "/v1/completions");
    std::get<Generation>(reply).answer->fail(error, nullptr);
  }
  {
    Reply reply = call("POST", "/v1/chat/completions");
    std::string events;
    std::get<Generation>(reply).answer->fail(error, &events);
    EXPECT_EQ(events, "data: failed\n\n");
  }
  const std::string text = get("/metrics").body;
  EXPECT_THAT(text, HasSubstr("{handler=\"/v1/completions\",method=\"POST\",status=\"5xx\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("{handler=\"/v1/chat/completions\",method=\"POST\",status=\"2xx\"} 1\n")
  ) << "its head was sent";
}

TEST_F(MonitoringTest, AnswersAreCountedByHandlerMethodAndStatus) {
  start();
  Reply reply = call("POST", "/v1/completions");
  end_request(0);
  EXPECT_EQ(finish(std::move(reply)).body, "1");
  reply = call("POST", "/v1/chat/completions");
  end_request(1);
  finish(std::move(reply));
  EXPECT_THROW(call("POST", "/tokenize"), InvalidArgument);
  { const Reply given_up = call("POST", "/v1/completions"); }
  get("/health");
  const std::string text = get("/metrics").body;
  const auto count = [](const char* path, const char* status, int n) {
    return HasSubstr(
        std::string("http_requests_total{handler=\"") + path + "\",method=\"POST\",status=\"" +
        status + "\"} " + std::to_string(n) + "\n"
    );
  };
  EXPECT_THAT(text, count("/v1/completions", "2xx", 1));
  EXPECT_THAT(text, count("/v1/completions", "4xx", 1)) << "the client went";
  EXPECT_THAT(text, count("/v1/chat/completions", "2xx", 1));
  EXPECT_THAT(text, count("/tokenize", "4xx", 1));
  EXPECT_THAT(text, Not(HasSubstr("handler=\"/health\"")));
  EXPECT_THAT(text, Not(HasSubstr("status=\"5xx\""))) << "there was none";
  EXPECT_THAT(text, HasSubstr("http_request_duration_highr_seconds_count 4\n"));
  EXPECT_THAT(
      text,
      HasSubstr("http_request_duration_seconds_count{handler=\"/tokenize\",method=\"POST\"} 1\n")
  );
  EXPECT_THAT(text, HasSubstr("http_request_size_bytes_sum{handler=\"/v1/completions\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("http_response_size_bytes_sum{handler=\"/v1/completions\"} 1\n"));
  const size_t stream_bytes = std::string("data: 1\n\ndata: [DONE]\n\n").size();
  EXPECT_THAT(
      text,
      HasSubstr(
          "http_response_size_bytes_sum{handler=\"/v1/chat/completions\"} " +
          std::to_string(stream_bytes) + "\n"
      )
  );
}

TEST_F(MonitoringTest, MetricsHaveTheEnginesToo) {
  start();
  const HttpResponse response = get("/metrics");
  EXPECT_THAT(response.content_type, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(response.body, HasSubstr("vllm:num_requests_running{"));
}

TEST_F(MonitoringTest, TheLoadIsTheNumberOfAnswersUnderWay) {
  start({.enable_server_load_tracking = true});
  EXPECT_EQ(get("/load").body, R"({"server_load":0})");
  Reply reply = call("POST", "/v1/chat/completions");
  EXPECT_EQ(get("/load").body, R"({"server_load":1})");
  end_request(0);
  finish(std::move(reply));
  reply = HttpResponse{};
  EXPECT_EQ(get("/load").body, R"({"server_load":0})");
}

TEST_F(MonitoringTest, BalancersAreToldTheLoadInAHeader) {
  start();
  const std::string text =
      "TEXT named_metrics.kv_cache_usage_perc=0,named_metrics.num_requests_waiting=0";
  const Reply streaming =
      call("POST", "/v1/chat/completions", {{"endpoint-load-metrics-format", "TEXT"}});
  EXPECT_THAT(
      std::get<Generation>(streaming).headers, Contains(Pair("endpoint-load-metrics", text))
  );
  Reply whole = call("POST", "/v1/completions", {{"endpoint-load-metrics-format", "JSON"}});
  end_request(1);
  const std::string json =
      R"(JSON {"named_metrics": {"kv_cache_usage_perc": 0, "num_requests_waiting": 0}})";
  EXPECT_THAT(finish(std::move(whole)).headers, Contains(Pair("endpoint-load-metrics", json)));
  EXPECT_THAT(std::get<Generation>(call("POST", "/v1/chat/completions")).headers, IsEmpty());
}

TEST_F(MonitoringTest, TooManyPendingTokensTurnRequestsAway) {
  start({.max_pending_tokens = 6});
  Reply first = call("POST", "/v1/completions");
  const Reply second = call("POST", "/v1/completions");
  const auto refused = std::get<HttpResponse>(call("POST", "/v1/completions"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.headers, Contains(Pair("Retry-After", "1")));
  EXPECT_THAT(
      refused.body,
      AllOf(HasSubstr(R"("error":)"), HasSubstr("6 tokens wait"), HasSubstr(R"("code": 429)"))
  );
  EXPECT_EQ(core_->added().size(), 2u) << "the engine never saw the third";
  EXPECT_THROW(call("POST", "/tokenize"), InvalidArgument) << "it waits for nobody";
  end_request(0);
  finish(std::move(first));
  EXPECT_TRUE(std::holds_alternative<Generation>(call("POST", "/v1/completions")));
}

TEST(AdmissionTest, TheQueueIsFullByTheSchedulersCountOrByABurst) {
  const Admission admission({.max_queue_size = 2}, 4);
  EXPECT_FALSE(admission.refusal({.num_waiting_reqs = 1, .num_unfinished_reqs = 5}));
  EXPECT_TRUE(admission.refusal({.num_waiting_reqs = 2, .num_unfinished_reqs = 3}));
  EXPECT_TRUE(admission.refusal({.num_unfinished_reqs = 6})) << "four run, two wait";
  EXPECT_FALSE(Admission({}, 4).refusal({.num_waiting_reqs = 1000}));
}

TEST(ProgressMonitorTest, WorkWithoutStepsIsStuckAfterTheTimeout) {
  ProgressMonitor monitor(60.0);
  EngineStats stats;
  EXPECT_FALSE(monitor.look(0.0, stats));
  EXPECT_FALSE(monitor.look(1000.0, stats)) << "nothing to do";
  stats.num_unfinished_reqs = 3;
  EXPECT_FALSE(monitor.look(1059.0, stats));
  const auto reason = monitor.look(1060.0, stats);
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, AllOf(HasSubstr("60.0 s"), HasSubstr("3 requests")));
  stats.num_steps = 1;
  EXPECT_FALSE(monitor.look(1061.0, stats)) << "it goes on";
  EXPECT_FALSE(monitor.look(1120.0, stats));
}

TEST(ProgressMonitorTest, APausedEngineIsNotStuck) {
  ProgressMonitor monitor(60.0);
  EXPECT_FALSE(monitor.look(0.0, {.num_unfinished_reqs = 1, .is_paused = true}));
  EXPECT_FALSE(monitor.look(1000.0, {.num_unfinished_reqs = 1, .is_paused = true}));
}

TEST(ProgressMonitorTest, GivingTheRequestsUpDoesNotMakeItWell) {
  ProgressMonitor monitor(60.0);
  EngineStats stats{.num_running_reqs = 1, .num_unfinished_reqs = 1};
  EXPECT_FALSE(monitor.look(0.0, stats));
  EXPECT_TRUE(monitor.look(60.0, stats));
  stats.num_unfinished_reqs = 0;
  EXPECT_TRUE(monitor.look(61.0, stats)) << "its thread has not noticed";
  stats.num_running_reqs = 0;
  EXPECT_FALSE(monitor.look(62.0, stats));
}

// A short timeout on a real clock, and an engine that never steps.
TEST_F(MonitoringTest, AStuckEnginesRequestsCanBeAborted) {
  start({.watchdog_timeout = 0.05, .watchdog_action = "abort-requests"});
  const auto stream = engine_->add_request("a", {.token_ids = {5}}, {});
  const RequestOutput output = *stream->next();
  EXPECT_THAT(output.error.value(), HasSubstr("no progress"));
  EXPECT_EQ(output.outputs.at(0).finish_reason, FinishReason::kError);
  EXPECT_EQ(core_->aborted().size(), 1u);
}

TEST_F(MonitoringTest, WithoutAnActionOnlyHealthTells) {
  start({.watchdog_timeout = 0.05});
  const auto stream = engine_->add_request("a", {.token_ids = {5}}, {});
  while (get("/health").status == 200)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THAT(get("/health").body, HasSubstr("no progress"));
  EXPECT_FALSE(stream->try_next());
}

TEST(WatchdogTest, MayEndTheProcess) {
  AsyncEngine engine(test::load_with_fake_core(std::make_unique<test::FakeEngineCoreClient>()));
  std::promise<void> exited;
  const Watchdog watchdog(engine, {.timeout = 0.05, .action = WatchdogAction::kExit, .exit = [&] {
                                     exited.set_value();
                                   }});
  const auto stream = engine.add_request("a", {.token_ids = {5}}, {});
  EXPECT_EQ(exited.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(watchdog.reason());
}

TEST(WatchdogTest, AnUnknownActionIsRefused) {
  EXPECT_EQ(parse_watchdog_action("exit"), WatchdogAction::kExit);
  EXPECT_EQ(parse_watchdog_action(std::nullopt), WatchdogAction::kNone);
  EXPECT_THROW(parse_watchdog_action("restart"), InvalidArgument);
}

}  // namespace
}  // namespace quire::server
