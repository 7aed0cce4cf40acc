// The soak must notice what it is there for.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "bench/serve/soak/server_watch.h"
#include "bench/serve/soak/soak_exchange.h"
#include "quire/error.h"
#include "support/scripted_server.h"

namespace quire::bench {
namespace {

using ::testing::HasSubstr;

SoakReference reference() {
  return {.is_chat = false, .prompt = "p", .num_tokens = 3, .text = "t0 t1 t2 "};
}

std::string judge(const std::string& response, bool is_stream, int num_choices = 1) {
  SoakCall call;
  call.is_stream = is_stream;
  call.num_choices = num_choices;
  call.num_tokens = 3;
  const SoakReference right = reference();
  std::string problem = "it never ended";
  SoakExchange exchange(
      call,
      &right,
      [&](SoakExchange&, const std::string& what) { problem = what; },
      [](SoakExchange&) {}
  );
  client::HttpResponseParser parser;
  parser.feed(response, [&](std::string_view piece) { exchange.on_body(parser, piece, 0.0); });
  exchange.on_end(parser, parser.is_complete() ? "" : "cut", 0.0);
  return problem;
}

std::string whole(const std::string& choices, int num_tokens = 3) {
  return test::http_response(
      200,
      R"({"choices":[)" + choices + R"(],"usage":{"prompt_tokens":1,"completion_tokens":)" +
          std::to_string(num_tokens) + "}}"
  );
}

TEST(SoakExchangeTest, ARightAnswerIsRight) {
  EXPECT_EQ(judge(test::completion_stream(1, 3), true), "");
  const std::string choice = R"({"index":0,"text":"t0 t1 t2 ","finish_reason":"length"})";
  EXPECT_EQ(judge(whole(choice), false), "");
}

TEST(SoakExchangeTest, ALostOrCrossedTokenIsNoticed) {
  std::string crossed = test::completion_stream(1, 3);
  crossed.replace(crossed.find("t1 "), 2, "t9");
  EXPECT_THAT(judge(crossed, true), HasSubstr("choice 0 is 't0 t9 t2 '"));
  EXPECT_THAT(judge(test::completion_stream(1, 2), true), HasSubstr("is 't0 t1 '"));
  EXPECT_THAT(judge(test::completion_stream(1, 3), true, 2), HasSubstr("choice 1 is ''"));
  const std::string other = R"({"index":0,"text":"another's","finish_reason":"length"})";
  EXPECT_THAT(judge(whole(other), false), HasSubstr("choice 0 is 'another's'"));
  const std::string stopped = R"({"index":0,"text":"t0 t1 t2 ","finish_reason":"abort"})";
  EXPECT_THAT(judge(whole(stopped), false), HasSubstr("'abort'"));
  const std::string right = R"({"index":0,"text":"t0 t1 t2 ","finish_reason":"length"})";
  EXPECT_THAT(judge(whole(right, 4), false), HasSubstr("usage tells 4"));
}

TEST(SoakExchangeTest, ABrokenStreamIsNoticed) {
  const std::string stream = test::completion_stream(1, 3);
  EXPECT_EQ(judge(stream.substr(0, stream.size() - 30), true), "cut");
  EXPECT_THAT(judge(test::sse_response({"{"}), true), HasSubstr("a wrong event"));
  EXPECT_THAT(judge(test::http_response(500, "oops"), true), HasSubstr("status 500: oops"));
  EXPECT_THAT(judge(stream, false), HasSubstr("kind of answer"));
}

TEST(SoakPlanTest, EveryKindComesUp) {
  SoakPlan plan(client::parse_url("url", "http://127.0.0.1:1"), "m", 1 << 20, 7);
  std::set<std::string> kinds;
  std::set<Leaves> stages;
  for (int i = 0; i < 5000; ++i) {
    const SoakCall call = plan.draw();
    kinds.insert(call.kind);
    stages.insert(call.leaves);
    EXPECT_FALSE(call.bytes.empty());
  }
  for (const char* kind :
       {"chat",
        "completion n",
        "chat stream n",
        "completion stream left",
        "slow reader",
        "bad json",
        "bad utf-8",
        "deep json",
        "too long a prompt",
        "no http",
        "two lengths",
        "body too large",
        "tokenize"}) {
    EXPECT_TRUE(kinds.contains(kind)) << kind;
  }
  EXPECT_EQ(stages.size(), 5U);
}

TEST(ServerWatchTest, ReadsPrometheusText) {
  const MetricSamples samples = parse_metrics(
      "# HELP a b\n# TYPE a counter\n"
      "a_total{x=\"1\",y=\"2\"} 5\na_total{x=\"2\",y=\"2\"} 7.5\nab_total 100\nbroken\n"
  );
  EXPECT_DOUBLE_EQ(sum_of(samples, "a_total"), 12.5);
  EXPECT_DOUBLE_EQ(sum_of(samples, "a_total", "x=\"2\""), 7.5);
  EXPECT_DOUBLE_EQ(sum_of(samples, "ab_total"), 100.0);
  EXPECT_DOUBLE_EQ(sum_of(samples, "none"), 0.0);
}

TEST(ServerWatchTest, KnowsTheMemoryOfAProcess) {
  EXPECT_GT(resident_bytes(::getpid()), 1 << 20);
  EXPECT_THROW(resident_bytes(1 << 30), EnvironmentError);
}

}  // namespace
}  // namespace quire::bench
