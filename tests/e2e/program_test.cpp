// The program as users start it: build/release/quire with real arguments, files and pipes.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/stat.h>

#include "config/field_visitor.h"
#include "support/child_process.h"
#include "support/goldens.h"
#include "support/json_reader.h"
#include "support/test_paths.h"

namespace quire {
namespace {

using simdjson::dom::element;
using test::ProcessResult;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kQuire = QUIRE_PROGRAM;

std::string model() {
  return (test::bundled_models_dir() / "small-chat").string();
}

ProcessResult quire_program(std::vector<std::string> words, std::string_view input = "") {
  words.insert(words.begin(), kQuire);
  return test::run_process(std::move(words), input);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// "error: field: …" as the last line of stderr, and nothing like a crash.
void expect_error(const ProcessResult& result, const std::string& field, const std::string& text) {
  EXPECT_EQ(result.exit_code, 1) << result.err;
  ASSERT_FALSE(lines_of(result.err).empty());
  const std::string last = lines_of(result.err).back();
  EXPECT_THAT(last, StartsWith("error: " + field));
  EXPECT_THAT(last, HasSubstr(text));
}

TEST(GenerateTest, PrintsTheGoldenText) {
  for (const test::GoldenSteps& golden : test::load_small_chat_goldens("small-chat")) {
    if (golden.kind != "short") continue;
    const ProcessResult result = quire_program(
        {"generate",
         "--model",
         model(),
         "--dtype=float32",
         "--temperature",
         "0",
         "--max_tokens",
         std::to_string(golden.greedy_ids.size()),
         "--no-skip-special-tokens",
         "--include-stop-str-in-output",
         "--prompt",
         golden.prompt}
    );
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, golden.text + "\n");
  }
}

TEST(GenerateTest, PrintsSeveralPromptsInOrderWithStatistics) {
  const ProcessResult result = quire_program(
      {"generate",
       "--model",
       model(),
       "--temperature=0",
       "--max-tokens=4",
       "--stats",
       "--prompt",
       "Once upon a time, there was a little",
       "--prompt",
       "Once upon a time, there was a big"}
  );
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(lines_of(result.out), SizeIs(2));
  EXPECT_THAT(result.err, HasSubstr("first token after"));
  EXPECT_THAT(result.err, HasSubstr("2 requests, 8 tokens"));
}

TEST(GenerateTest, AMessageGoesThroughTheChatTemplate) {
  const std::vector<std::string> common = {
      "generate", "--model", model(), "--temperature=0", "--max-tokens=20"};
  auto chat = common;
  chat.insert(chat.end(), {"--chat", "--prompt", "Hello, how are you?"});
  auto plain = common;
  plain.insert(
      plain.end(),
      {"--prompt", "<|im_start|>user\nHello, how are you?<|im_end|>\n<|im_start|>assistant\n"}
  );
  const ProcessResult result = quire_program(chat);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, quire_program(plain).out);
  EXPECT_GT(result.out.size(), 5u);
}

TEST(GenerateTest, AnswersEveryLineOfAFileInOrder) {
  const test::TempDir dir;
  dir.write(
      "in.jsonl",
      R"({"prompt": "Once upon a time", "max_tokens": 3, "temperature": 0, "logprobs": 1}
{"prompt_token_ids": [5, 999999], "request_id": "bad"}

this is no JSON
{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5, "request_id": "mine"}
{"prompt": "x", "temperatur": 1}
{"prompt": "", "max_tokens": 5}
)"
  );
  const std::string out = (dir.path() / "out.jsonl").string();
  const ProcessResult result = quire_program(
      {"generate",
       "--model",
       model(),
       "--input-file",
       (dir.path() / "in.jsonl").string(),
       "--output-file",
       out}
  );
  EXPECT_EQ(result.exit_code, 1) << "some lines are bad";
  EXPECT_EQ(result.out, "");
  const std::vector<std::string> lines = lines_of(read_file(out));
  ASSERT_THAT(lines, SizeIs(6));
  std::vector<simdjson::dom::parser> parsers(lines.size());
  std::vector<element> outputs;
  for (size_t i = 0; i < lines.size(); ++i)
    outputs.push_back(parsers[i].parse(lines[i]));

  EXPECT_EQ(test::read_json<std::string>(outputs[0]["request_id"]), "0");
  const element completion = outputs[0]["outputs"].at(0);
  EXPECT_THAT(test::read_json_vector<int>(completion["token_ids"]), SizeIs(3));
  EXPECT_THAT(simdjson::dom::array(completion["logprobs"]), SizeIs(3));
  EXPECT_EQ(test::read_json<std::string>(completion["finish_reason"]), "length");
  EXPECT_GT(
      test::read_json<double>(outputs[0]["metrics"]["finished_time"]),
      test::read_json<double>(outputs[0]["metrics"]["arrival_time"])
  );
  EXPECT_EQ(test::read_json<std::string>(outputs[3]["request_id"]), "mine");
  EXPECT_THAT(test::read_json<std::string>(outputs[3]["prompt"]), HasSubstr("<|im_start|>user"));

  const auto param_of = [&](size_t i) {
    return test::read_json<std::string>(outputs[i]["error"]["param"]);
  };
  EXPECT_EQ(param_of(1), "prompt_token_ids");
  EXPECT_EQ(test::read_json<std::string>(outputs[1]["request_id"]), "bad");
  EXPECT_EQ(param_of(2), "request");
  EXPECT_EQ(param_of(4), "temperatur");
  EXPECT_EQ(param_of(5), "prompt");
}

TEST(GenerateTest, AnswersALineBeforeTheNextOneComes) {
  test::ChildProcess process({kQuire, "generate", "--model", model(), "--input-file", "-"});
  process.write("{\"prompt\": \"Hello\", \"max_tokens\": 2, \"request_id\": \"first\"}\n");
  ASSERT_TRUE(process.read_until("\"first\""));
  process.write("{\"prompt\": \"Hello\", \"max_tokens\": 2, \"request_id\": \"second\"}\n");
  ASSERT_TRUE(process.read_until("\"second\""));
  EXPECT_EQ(process.wait().exit_code, 0);
}

TEST(GenerateTest, AFullDiskIsAnError) {
  const ProcessResult result = quire_program(
      {"generate", "--model", model(), "--input-file", "-", "--output-file", "/dev/full"},
      "{\"prompt\": \"Hello\", \"max_tokens\": 2}\n"
  );
  expect_error(result, "Cannot write /dev/full", "No space left");
}

TEST(GenerateTest, RefusesWhatItCannotDo) {
  const auto refused = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"generate", "--model", model()});
    return quire_program(std::move(words));
  };
  expect_error(refused({}), "--prompt", "either --prompt or --input-file");
  expect_error(refused({"--prompt", "x", "--max-tokns", "3"}), "--max-tokns", "--max-tokens");
  expect_error(refused({"--prompt", "x", "--max-tokens", "many"}), "--max-tokens", "whole number");
  expect_error(refused({"--prompt", "x", "--temperature", "-1"}), "temperature", "non-negative");
  expect_error(refused({"--prompt", "x", "--dtype", "int3"}), "dtype", "int3");
  expect_error(refused({"--prompt", "x", "--dtype", "float16"}), "dtype", "bfloat16");
  expect_error(refused({"--prompt", ""}), "prompt", "cannot be empty");
  expect_error(refused({"--prompt", "x", "--load-format", "gguf"}), "load_format", "safetensors");
  expect_error(refused({"--prompt", "x", "--logprobs", "2"}), "logprobs", "--input-file");
  expect_error(refused({"--input-file", "/no/such.jsonl"}), "--input-file", "No such file");
  expect_error(
      refused({"--prompt", "a b c d e f g", "--max-model-len", "3"}), "prompt", "longer than"
  );
}

TEST(GenerateTest, OneBadPromptDoesNotSpoilTheOther) {
  const ProcessResult result = quire_program(
      {"generate", "--model", model(), "--max-tokens=2", "--prompt", "", "--prompt", "Hello"}
  );
  expect_error(result, "prompt", "cannot be empty");
  EXPECT_THAT(lines_of(result.out), SizeIs(1));
}

TEST(GenerateTest, AnEmptyCompletionIsExplained) {
  const ProcessResult result = quire_program(
      {"generate", "--model", model(), "--prompt", "What is two plus two?", "--temperature", "0"}
  );
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "\n") << "the model answers questions in chats only";
  EXPECT_THAT(result.err, HasSubstr("--chat"));
}

TEST(GenerateTest, InvalidUtf8IsAnError) {
  const ProcessResult result =
      quire_program({"generate", "--model", model(), "--prompt", "caf\xe9 au lait"});
  expect_error(result, "prompt", "UTF-8");
}

TEST(ChatTest, KeepsTheConversationAndItsCache) {
  const ProcessResult result = quire_program(
      {"chat", "--model", model(), "--temperature=0", "--stats"},
      "Hello, how are you?\nWhat did I ask?\n/exit\n"
  );
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(lines_of(result.out), SizeIs(2)) << "answers and nothing else go to a pipe";
  const auto notes = lines_of(result.err);
  EXPECT_THAT(notes.at(notes.size() - 2), HasSubstr(" 0 cached"));
  EXPECT_THAT(notes.back(), Not(HasSubstr(" 0 cached"))) << "the first turn is in the cache";
}

TEST(ChatTest, ResetForgetsTheConversation) {
  const ProcessResult result = quire_program(
      {"chat", "--model", model(), "--temperature=0"}, "Tell me a joke\n/reset\nTell me a joke\n"
  );
  const auto answers = lines_of(result.out);
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_EQ(answers[0], answers[1]);
}

TEST(ChatTest, ABadQuestionLeavesTheConversationAlive) {
  const ProcessResult result =
      quire_program({"chat", "--model", model()}, "caf\xe9\n/nonsense\nHello\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("UTF-8"));
  EXPECT_THAT(result.err, HasSubstr("/nonsense"));
  EXPECT_FALSE(result.out.empty());
}

TEST(ChatTest, QuickAsksOneQuestion) {
  const ProcessResult result =
      quire_program({"chat", "--model", model(), "--temperature=0", "-q", "Hello, how are you?"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(lines_of(result.out), SizeIs(1));
}

TEST(ChatTest, AnInterruptStopsTheAnswerAlone) {
  test::ChildProcess process({kQuire, "chat", "--model", model(), "--ignore-eos"});
  process.write("Once upon a time\n");
  ASSERT_TRUE(process.read_until(" "));
  process.signal(SIGINT);
  process.write("/help\n");
  ASSERT_TRUE(process.read_until("/reset")) << "it still listens";
  process.write("/exit\n");
  EXPECT_EQ(process.wait().exit_code, 0);
}

TEST(ChatTest, AnInterruptBetweenAnswersLeaves) {
  test::ChildProcess process({kQuire, "chat", "--model", model()});
  process.write("/help\n");
  ASSERT_TRUE(process.read_until("/exit"));
  process.signal(SIGINT);
  EXPECT_FALSE(process.read_until("never said"));
  EXPECT_EQ(process.wait().exit_code, 130);
}

TEST(ChatTest, AnInterruptWhileTheModelLoadsLeaves) {
  // A tokenizer that is never read to its end keeps the program loading.
  const test::TempDir dir;
  for (const auto& entry : std::filesystem::directory_iterator(model())) {
    const auto name = entry.path().filename();
    if (name != "tokenizer.json") std::filesystem::create_symlink(entry, dir.path() / name);
  }
  const std::string pipe = (dir.path() / "tokenizer.json").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  test::ChildProcess process({kQuire, "chat", "--model", dir.path().string()});
  const std::ofstream loading(pipe);  // waits for the reader
  process.signal(SIGINT);
  EXPECT_FALSE(process.read_until("never said"));
  EXPECT_EQ(process.wait().exit_code, 130);
}

TEST(ChatTest, RefusesAServersAddress) {
  expect_error(quire_program({"chat", "--url", "http://localhost:8000/v1"}), "--url", "--model");
}

TEST(BenchTest, ThroughputWritesItsFields) {
  const test::TempDir dir;
  const std::string path = (dir.path() / "result.json").string();
  const ProcessResult result = quire_program(
      {"bench",
       "throughput",
       "--model",
       model(),
       "--num-prompts=6",
       "--input-len=20",
       "--output-len=5",
       "--output-json",
       path}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const test::JsonFile file(path);
  EXPECT_EQ(test::read_json<int>(file.root()["num_requests"]), 6);
  EXPECT_EQ(test::read_json<int>(file.root()["total_num_tokens"]), 6 * 25);
  const double elapsed = test::read_json<double>(file.root()["elapsed_time"]);
  EXPECT_NEAR(test::read_json<double>(file.root()["requests_per_second"]), 6 / elapsed, 1e-6);
  EXPECT_NEAR(test::read_json<double>(file.root()["tokens_per_second"]), 150 / elapsed, 1e-6);
}

TEST(BenchTest, LatencyWritesItsFields) {
  const test::TempDir dir;
  const std::string path = (dir.path() / "result.json").string();
  const ProcessResult result = quire_program(
      {"bench",
       "latency",
       "--model",
       model(),
       "--batch-size=2",
       "--input-len=8",
       "--output-len=4",
       "--num-iters=3",
       "--num-iters-warmup=1",
       "--output-json",
       path}
  );
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const test::JsonFile file(path);
  const auto latencies = test::read_json_vector<double>(file.root()["latencies"]);
  ASSERT_THAT(latencies, SizeIs(3));
  EXPECT_GT(latencies[0], 0.0);
  EXPECT_NEAR(
      test::read_json<double>(file.root()["avg_latency"]),
      (latencies[0] + latencies[1] + latencies[2]) / 3,
      1e-9
  );
  for (const char* percentage : {"10", "25", "50", "75", "90", "99"}) {
    EXPECT_GT(test::read_json<double>(file.root()["percentiles"][percentage]), 0.0);
  }
}

TEST(BenchTest, ReadsConversations) {
  const test::TempDir dir;
  std::string json = "[";
  for (int i = 0; i < 4; ++i) {
    json += R"({"conversations": [{"from": "human", "value": "Please tell me a long story now"},)"
            R"({"from": "gpt", "value": "Once upon a time there was a cat"}]},)";
  }
  dir.write("data.json", json + R"({"conversations": []}])");
  const std::vector<std::string> command = {
      "bench",
      "throughput",
      "--model",
      model(),
      "--dataset-name",
      "sharegpt",
      "--dataset-path",
      (dir.path() / "data.json").string()};
  auto enough = command;
  enough.push_back("--num-prompts=4");
  EXPECT_EQ(quire_program(enough).exit_code, 0);
  expect_error(quire_program(command), "--num-prompts", "4 usable prompts");
}

TEST(BenchTest, RefusesUnknownDatasetsAndBenchmarks) {
  expect_error(
      quire_program({"bench", "throughput", "--model", model(), "--dataset-name", "sonnet"}),
      "--dataset-name",
      "random, sharegpt or custom"
  );
  expect_error(quire_program({"bench", "througput"}), "througput", "Did you mean throughput?");
  expect_error(quire_program({"bench", "serve"}), "serve", "no server");
}

TEST(TokenizeTest, PrintsIdsAsJsonOrWords) {
  const std::vector<std::string> command = {
      "tokenize", "--tokenizer", model(), "--file", "-", "--no-special-tokens"};
  EXPECT_EQ(quire_program(command, "Once upon a time").out, "1433 1020 261 526\n");
  auto json = command;
  json.push_back("--json");
  EXPECT_EQ(
      quire_program(json, "Once upon a time").out, "{\"token_ids\": [1433, 1020, 261, 526]}\n"
  );
  EXPECT_EQ(quire_program(json, "").out, "{\"token_ids\": []}\n");
  expect_error(quire_program({"tokenize", "--file", "-"}), "--tokenizer", "required");
  expect_error(quire_program({"tokenize", "--tokenizer", model()}), "--file", "required");
  expect_error(
      quire_program({"tokenize", "--tokenizer", "/no/such", "--file", "-"}), "", "/no/such"
  );
}

TEST(RenderChatTest, PrintsTheRenderedTextAndNothingElse) {
  const test::TempDir dir;
  dir.write("context.json", R"({"messages": [{"role": "user", "content": "Hi"}], "name": "x"})");
  dir.write("plain.jinja", "{{ name }}: {{ messages[0].content }}");
  dir.write("raising.jinja", "{{ raise_exception('no system role') }}");
  const std::string context = (dir.path() / "context.json").string();
  const auto rendered = [&](const std::string& name) {
    return quire_program(
        {"render-chat", "--template-file", (dir.path() / name).string(), "--context-file", context}
    );
  };
  EXPECT_EQ(rendered("plain.jinja").out, "x: Hi");
  expect_error(rendered("raising.jinja"), "messages", "no system role");
  EXPECT_EQ(
      quire_program({"render-chat", "--model", model(), "--context-file", context}).out,
      "<|im_start|>user\nHi<|im_end|>\n"
  );
  expect_error(quire_program({"render-chat", "--context-file", context}), "--model", "");
  expect_error(quire_program({"render-chat", "--model", model()}), "--context-file", "required");
}

TEST(ProgramTest, HelpListsEveryOption) {
  const std::string help = quire_program({"generate", "--help"}).out;
  EngineConfig config;
  visit_engine_fields(config, [&](std::string name, auto&, auto, auto) {
    std::replace(name.begin(), name.end(), '_', '-');
    EXPECT_THAT(help, HasSubstr("--" + name));
  });
  SamplingParams params;
  visit_sampling_fields(params, [&](std::string name, auto&, auto, auto) {
    std::replace(name.begin(), name.end(), '_', '-');
    EXPECT_THAT(help, HasSubstr("--" + name));
  });
}

TEST(ProgramTest, EveryCommandHasHelp) {
  for (const char* command :
       {"generate", "chat", "tokenize", "render-chat", "bench", "collect-env"}) {
    const ProcessResult result = quire_program({command, "--help"});
    EXPECT_EQ(result.exit_code, 0) << command;
    EXPECT_THAT(result.out, HasSubstr(command));
  }
  EXPECT_THAT(quire_program({"--help"}).out, HasSubstr("generate"));
}

TEST(ProgramTest, RefusesUnknownCommands) {
  expect_error(quire_program({"genrate"}), "genrate", "Did you mean generate?");
  expect_error(quire_program({"serve"}), "serve", "not supported");
}

TEST(ProgramTest, TellsItsVersionAndMachine) {
  EXPECT_EQ(quire_program({"--version"}).out, quire_program({"-v"}).out);
  const ProcessResult result = quire_program({"collect-env"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("Kernels in use"));
  EXPECT_THAT(result.out, HasSubstr("LlamaForCausalLM"));
}

}  // namespace
}  // namespace quire
