// quire bench serve, against a server of the test's own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "e2e/quire_program.h"
#include "support/json_reader.h"
#include "support/scripted_server.h"

namespace quire {
namespace {

using test::expect_error;
using test::http_response;
using test::model;
using test::ProcessResult;
using test::quire_program;
using test::ScriptedRequest;
using test::ScriptedResponse;
using test::ScriptedServer;
using ::testing::HasSubstr;
using ::testing::SizeIs;

int asked_tokens(const ScriptedRequest& request) {
  simdjson::dom::parser parser;
  const simdjson::dom::element body = parser.parse(request.body);
  int64_t number = 0;
  if (body["max_tokens"].get(number) != simdjson::SUCCESS) {
    number = body["max_completion_tokens"].get_int64();
  }
  return static_cast<int>(number);
}

ScriptedResponse serve(const ScriptedRequest& request) {
  if (request.target == "/v1/models") {
    return {http_response(
        200, R"({"object":"list","data":[{"id":"tiny","root":"/none","max_model_len":512}]})"
    )};
  }
  return {test::completion_stream(9, asked_tokens(request))};
}

std::vector<std::string> command(
    const ScriptedServer& server, const std::vector<std::string>& more = {}
) {
  std::vector<std::string> words = {
      "bench",
      "serve",
      "--base-url",
      server.url(),
      "--tokenizer",
      model(),
      "--num-prompts=6",
      "--random-input-len=8",
      "--random-output-len=5",
      "--ignore-eos"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(BenchServeTest, WritesTheResultAndThePlots) {
  const test::TempDir dir;
  ScriptedServer server(serve);
  const ProcessResult result = quire_program(command(
      server,
      {"--max-concurrency=2",
       "--num-warmups=3",
       "--goodput",
       "ttft:60000",
       "--percentile-metrics",
       "ttft,tpot,itl,e2el",
       "--metric-percentiles",
       "50,99",
       "--save-result",
       "--save-detailed",
       "--plot-timeline",
       "--result-dir",
       dir.path().string(),
       "--result-filename",
       "r.json"}
  ));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("============ Serving Benchmark Result ============\n"));
  const test::JsonFile file(dir.path() / "r.json");
  EXPECT_EQ(test::read_json<std::string>(file.root()["model_id"]), "tiny");
  EXPECT_EQ(test::read_json<int>(file.root()["completed"]), 6);
  EXPECT_EQ(test::read_json<int>(file.root()["failed"]), 0);
  EXPECT_EQ(test::read_json<int>(file.root()["total_input_tokens"]), 6 * 9) << "the server counts";
  EXPECT_EQ(test::read_json<int>(file.root()["total_output_tokens"]), 6 * 5);
  EXPECT_EQ(test::read_json<int>(file.root()["num_stream_events"]), 6 * 7);
  EXPECT_EQ(
      test::read_json<double>(file.root()["request_goodput"]),
      test::read_json<double>(file.root()["request_throughput"])
  );
  EXPECT_GT(test::read_json<double>(file.root()["p99_e2el_ms"]), 0.0);
  EXPECT_THAT(test::read_json_vector<double>(file.root()["itls"].at(0)), SizeIs(4));
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "r.timeline.html"));
  EXPECT_THAT(server.requests(), SizeIs(1 + 3 + 6)) << "models, warm-up, requests";
  for (const ScriptedRequest& request : server.requests()) {
    if (request.method != "POST") continue;
    EXPECT_THAT(request.body, HasSubstr("\"ignore_eos\": true"));
  }
}

TEST(BenchServeTest, TalksToChatCompletions) {
  ScriptedServer server(serve);
  const ProcessResult result =
      quire_program(command(server, {"--backend", "openai-chat", "--temperature=0", "--top-k=5"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const ScriptedRequest request = server.requests().back();
  EXPECT_EQ(request.target, "/v1/chat/completions");
  EXPECT_THAT(request.body, HasSubstr(R"("messages": [{"role": "user", "content": )"));
  EXPECT_THAT(request.body, HasSubstr(R"("temperature": 0, "top_k": 5)"));
}

TEST(BenchServeTest, ReplaysATrace) {
  const test::TempDir dir;
  dir.write(
      "trace.jsonl",
      R"({"timestamp": 1000, "input_length": 600, "output_length": 2, "hash_ids": [7, 8]})"
      "\n"
      R"({"timestamp": 1200, "input_length": 512, "output_length": 4, "hash_ids": [7]})"
      "\n"
  );
  ScriptedServer server(serve);
  const ProcessResult result = quire_program(
      {"bench",
       "serve",
       "--base-url",
       server.url(),
       "--tokenizer",
       model(),
       "--dataset-name=trace",
       "--dataset-path",
       (dir.path() / "trace.jsonl").string(),
       "--save-detailed",
       "--result-dir",
       dir.path().string(),
       "--result-filename=r.json"}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const test::JsonFile file(dir.path() / "r.json");
  const auto starts = test::read_json_vector<double>(file.root()["start_times"]);
  ASSERT_THAT(starts, SizeIs(2));
  EXPECT_GE(starts[1] - starts[0], 0.199);
  const auto requests = server.requests();
  const size_t prompt_at = requests[1].body.find("\"prompt\": [");
  ASSERT_NE(prompt_at, std::string::npos);
  const std::string beginning = requests[1].body.substr(prompt_at, 200);
  EXPECT_EQ(beginning, requests[2].body.substr(prompt_at, 200)) << "both begin with block 7";
}

TEST(BenchServeTest, AFailedRequestFailsTheRun) {
  ScriptedServer server([](const ScriptedRequest& request) {
    ScriptedResponse response = serve(request);
    if (request.method == "POST") response.bytes.resize(response.bytes.size() - 40);
    response.closes = request.method == "POST";
    return response;
  });
  const ProcessResult result = quire_program(command(server));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("Failed requests:                         6"));
  EXPECT_THAT(result.err, HasSubstr("Request 0 failed: the server closed the connection"));
}

TEST(BenchServeTest, RefusesWhatItCannotMeasure) {
  ScriptedServer server(serve);
  const std::tuple<std::vector<std::string>, const char*, const char*> cases[] = {
      {{"--backend", "tgi"}, "--backend", "openai"},
      {{"--goodput", "itl:5"}, "--goodput", "ttft:MS"},
      {{"--percentile-metrics", "ttft,x"}, "--percentile-metrics", "'x'"},
      {{"--metric-percentiles", "101"}, "--metric-percentiles", "100"},
      {{"--request-rate", "0"}, "--request-rate", "above 0"},
      {{"--dataset-name", "sonnet"}, "--dataset-name", "random"},
      {{"--sharegpt-output-len", "4"}, "--sharegpt-output-len", "sharegpt"},
      {{"--extra-body", "[1]"}, "--extra-body", "JSON object"},
      {{"--random-input-len", "600"}, "--input-len", "512"},
  };
  for (const auto& [words, field, text] : cases) {
    expect_error(quire_program(command(server, words)), field, text);
  }
  EXPECT_THAT(server.requests(), SizeIs(::testing::Le(2U))) << "told before a request is sent";
}

TEST(BenchServeTest, WithoutAServerItSaysSo) {
  std::string url;
  {
    ScriptedServer server(serve);
    url = server.url();
  }
  const ProcessResult result = quire_program({"bench", "serve", "--base-url", url});
  expect_error(result, "", url + "/v1/models");
}

}  // namespace
}  // namespace quire
