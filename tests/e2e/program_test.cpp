#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/field_visitor.h"
#include "config/server_fields.h"
#include "e2e/quire_program.h"
#include "support/goldens.h"
#include "support/json_reader.h"

namespace quire {
namespace {

using simdjson::dom::element;
using test::expect_error;
using test::kQuire;
using test::lines_of;
using test::model;
using test::ProcessResult;
using test::quire_program;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

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

TEST(GenerateTest, TheModelsDefaultsMayBeOverridden) {
  const auto generate = [](std::vector<std::string> words) {
    words.insert(
        words.begin(), {"generate", "--model", model(), "--prompt", "Once", "--max-tokens=8"}
    );
    return quire_program(words);
  };
  const ProcessResult greedy = generate({"--temperature=0"});
  const ProcessResult overridden = generate({"--override-generation-config.temperature", "0"});
  EXPECT_EQ(overridden.exit_code, 0) << overridden.err;
  EXPECT_EQ(overridden.out, greedy.out);
  expect_error(
      generate({"--max-model-len=100", "--hf-overrides.max_position_embeddings=64"}),
      "max_model_len",
      "max_position_embeddings=64"
  );
  expect_error(
      generate({"--override-generation-config", R"({"seed": 1})"}),
      "override_generation_config",
      "'seed' is not known"
  );
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
  const auto lines = lines_of(result.out);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[1], "") << "an empty line between the texts";
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
  expect_error(refused({"--prompt", "x", "--logit-bias", "[5]"}), "logit_bias", "object");
  expect_error(refused({"--prompt", "x", "--logit-bias", "{}, \"n\": 2"}), "logit_bias", "JSON");
  expect_error(refused({"--prompt", "x", "--stop", "caf\xe9"}), "stop", "UTF-8");
  expect_error(
      refused({"--prompt", "x", "--system-prompt", "caf\xe9"}), "--system-prompt", "UTF-8"
  );
  expect_error(refused({"--prompt", "x", "-tp", "2"}), "--tensor-parallel-size", "--num-threads");
  expect_error(refused({"--prompt", "x", "--tokenizer", "/nope"}), "tokenizer", "tokenizer.json");
  expect_error(refused({"--prompt", "x", "--revision", "main"}), "revision", "has no revisions");
  const std::vector<std::string> small_cache = {
      "--num-gpu-blocks-override=4", "--prompt", std::string(400, 'x')};
  expect_error(refused(small_cache), "The request has", "num_gpu_blocks_override");
  auto fitted = small_cache;
  fitted.push_back("--max-model-len=auto");
  expect_error(refused(fitted), "prompt", "maximum model length of 48");
  const std::string models = test::bundled_models_dir().string();
  expect_error(
      quire_program({"generate", "--model", models, "--prompt", "x"}), "model", "such as " + models
  );
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

TEST(ChatTest, AFullConversationSaysHowToGoOn) {
  const ProcessResult result = quire_program(
      {"chat", "--model", model(), "--temperature=0", "--max-model-len=40"},
      "Hello, how are you?\nPlease tell me a very long story about a cat, a dog and a bird.\n"
  );
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("longer than the maximum model length"));
  EXPECT_THAT(lines_of(result.err).back(), HasSubstr("/reset"));
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
  const std::string server_help = quire_program({"serve", "--help"}).out;
  ServerConfig server;
  visit_server_fields(server, [&](std::string name, auto&, auto, auto) {
    std::replace(name.begin(), name.end(), '_', '-');
    EXPECT_THAT(server_help, HasSubstr("--" + name));
  });
}

TEST(ProgramTest, EveryCommandHasHelp) {
  for (const char* command :
       {"serve", "generate", "chat", "tokenize", "render-chat", "bench", "collect-env"}) {
    const ProcessResult result = quire_program({command, "--help"});
    EXPECT_EQ(result.exit_code, 0) << command;
    EXPECT_THAT(result.out, HasSubstr(command));
  }
  EXPECT_THAT(quire_program({"--help"}).out, HasSubstr("generate"));
}

TEST(ProgramTest, AFullStandardOutputIsAnError) {
  for (const char* words :
       {"",
        "--help",
        "--version",
        "serve --help",
        "serve --help=all",
        "collect-env",
        "migrate-check vllm serve m"}) {
    const std::string command = "\"$0\" " + std::string(words) + " > /dev/full";
    const ProcessResult result = test::run_process({"/bin/sh", "-c", command, kQuire});
    expect_error(result, "", "No space left on device");
  }
}

TEST(ProgramTest, RefusesUnknownCommands) {
  expect_error(quire_program({"genrate"}), "genrate", "Did you mean generate?");
  expect_error(quire_program({"launch"}), "launch", "not supported");
}

TEST(ProgramTest, ServeTellsWhatItLacksBeforeItLoadsAModel) {
  const auto serve = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"serve", "no/such/model"});
    return quire_program(words);
  };
  expect_error(serve({"-tp", "2"}), "--tensor-parallel-size", "--num-threads");
  expect_error(serve({"--temperature", "0"}), "--temperature", "each request");
  expect_error(serve({"--prot", "1"}), "--prot", "--port");
  expect_error(serve({"--config", "no/such/file.yaml"}), "", "no/such/file.yaml");
}

TEST(ProgramTest, ItsOtherNameIsVllm) {
  const std::string other = std::filesystem::path(kQuire).replace_filename("vllm");
  EXPECT_EQ(std::filesystem::canonical(other), std::filesystem::canonical(kQuire));
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
