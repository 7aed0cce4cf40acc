#include "cli/migrate_check.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The one finding about `what`.
Finding finding(const MigrationReport& report, const std::string& what) {
  const auto found = std::ranges::find(report.findings, what, &Finding::what);
  if (found != report.findings.end()) return *found;
  ADD_FAILURE() << "nothing is said of " << what;
  return {};
}

MigrationReport check(const std::string& line) {
  return check_command(split_line(line));
}

TEST(MigrateCheck, TellsOptionsThatWorkFromThoseThatAreRefused) {
  const MigrationReport report =
      check("vllm serve some/model --max-model-len 4096 -tp 2 --dtype=bfloat16 --seed -1");
  EXPECT_EQ(finding(report, "some/model").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "--max-model-len 4096").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "--dtype=bfloat16").fate, Fate::kWorks);
  const Finding refused = finding(report, "-tp 2");
  EXPECT_EQ(refused.fate, Fate::kRefused);
  EXPECT_THAT(refused.sentence, HasSubstr("One process serves one copy of the model"));
  EXPECT_STREQ(report.engine, "V1");
}

TEST(MigrateCheck, ValuesThatNoStartTakesAreRefused) {
  const auto report = check("vllm serve m --kv-cache-dtype fp8 --block-size 7 --dtype float64");
  EXPECT_THAT(finding(report, "--kv-cache-dtype fp8").sentence, HasSubstr("Use auto"));
  EXPECT_THAT(finding(report, "--block-size 7").sentence, HasSubstr("power of two"));
  EXPECT_EQ(finding(report, "--dtype float64").fate, Fate::kRefused);
  EXPECT_EQ(
      finding(check("vllm serve m --gpu-memory-utilization 5"), "--gpu-memory-utilization 5").fate,
      Fate::kRefused
  );
}

TEST(MigrateCheck, AValueWithAMinusBelongsToItsOption) {
  EXPECT_EQ(
      finding(check("vllm serve m --max-logprobs -1"), "--max-logprobs -1").fate, Fate::kWorks
  );
}

TEST(MigrateCheck, AnOptionThatNeedsAnotherIsTriedBesideIt) {
  const std::string line = "vllm serve m --enable-auto-tool-choice";
  EXPECT_EQ(finding(check(line), "--enable-auto-tool-choice").fate, Fate::kRefused);
  const auto report = check(line + " --tool-call-parser hermes --enable-lora");
  EXPECT_EQ(finding(report, "--enable-auto-tool-choice").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "--enable-lora").fate, Fate::kRefused);
}

TEST(MigrateCheck, OptionsOfV0ChooseItOrAreRefused) {
  EXPECT_STREQ(check("vllm serve m --scheduler-delay-factor 0.5").engine, "V0");
  const auto refused = check("VLLM_USE_V1=1 vllm serve m --scheduler-delay-factor 0.5");
  EXPECT_THAT(finding(refused, "scheduler_delay_factor").sentence, HasSubstr("V1 scheduler"));
  EXPECT_STREQ(check("VLLM_USE_V1=0 vllm serve m").engine, "V0");
  EXPECT_STREQ(check("env VLLM_USE_V1=false vllm serve m").engine, "V0");
  EXPECT_STREQ(check("export VLLM_USE_V1=0; vllm serve m").engine, "V0");
  const auto no_switch = check("VLLM_USE_V1=banana vllm serve m");
  EXPECT_THAT(finding(no_switch, "VLLM_USE_V1").sentence, HasSubstr("use 1 or 0"));
}

TEST(MigrateCheck, NamesVariablesThatNobodyReads) {
  const auto report = check("VLLM_ATTENTION_BACKEND=X HF_TOKEN=t VLLM_USE_V1=1 vllm serve m");
  EXPECT_EQ(finding(report, "VLLM_ATTENTION_BACKEND=X").fate, Fate::kChanged);
  EXPECT_EQ(finding(report, "HF_TOKEN=…").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "VLLM_USE_V1=1").fate, Fate::kWorks);
  EXPECT_EQ(check("export VLLM_USE_V1=1").findings.size(), 1u);
}

TEST(MigrateCheck, SaysThatAShareOfMemoryIsOfAnotherDevice) {
  const auto report = check("vllm serve m --gpu_memory_utilization=0.9");
  EXPECT_EQ(finding(report, "--gpu_memory_utilization=0.9").fate, Fate::kChanged);
}

TEST(MigrateCheck, KnowsTheServersOtherName) {
  const auto report =
      check("python -m vllm.entrypoints.openai.api_server --model m --quantization awq");
  EXPECT_EQ(finding(report, "--model m").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "--quantization awq").fate, Fate::kRefused);
}

TEST(MigrateCheck, KnowsContainersOfTheServer) {
  const auto report =
      check("docker run -e HF_TOKEN=abc -p 8000:8000 vllm/vllm-openai:latest --model m -tp 2");
  EXPECT_EQ(finding(report, "--model m").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "-tp 2").fate, Fate::kRefused);
  EXPECT_EQ(finding(report, "HF_TOKEN=…").fate, Fate::kWorks);
}

TEST(MigrateCheck, HelpIsReportedNotPrinted) {
  for (const std::string word : {"--help", "-h", "--help=all"}) {
    testing::internal::CaptureStdout();
    const auto report = check("vllm serve m " + word);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
    EXPECT_EQ(finding(report, word).fate, Fate::kChanged);
  }
}

TEST(MigrateCheck, SecretsAreNotShown) {
  const auto report = check(
      "VLLM_API_KEY=sk-1 HF_TOKEN=hf-1 vllm serve m --api-key sk-2 sk-3 --hf-token=hf-2 "
      "--speculative-token sk-4 --ssl-keyfile k.pem"
  );
  for (const Finding& found : report.findings) {
    EXPECT_THAT(found.what + found.sentence, Not(testing::ContainsRegex("sk-|hf-[0-9]")));
  }
  EXPECT_EQ(finding(report, "VLLM_API_KEY=…").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "--api-key …").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "--hf-token=…").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "--speculative-token …").fate, Fate::kRefused);
  EXPECT_FALSE(is_secret("ssl_keyfile"));
  EXPECT_FALSE(is_secret("max_num_batched_tokens"));
}

TEST(MigrateCheck, SentencesNameTheirFieldOnce) {
  const auto report = check("vllm serve m --max-model-len -5 --nosuch --port x");
  EXPECT_EQ(
      finding(report, "--max-model-len -5").sentence,
      "max_model_len must be at least 1 (or -1), got -5."
  );
  EXPECT_THAT(finding(report, "--nosuch").sentence, StartsWith("This is no option"));
  EXPECT_THAT(finding(report, "--port x").sentence, StartsWith("'x' is not a whole number"));
  const auto v1 = check("VLLM_USE_V1=1 vllm serve m --scheduler-delay-factor 0.5");
  EXPECT_THAT(
      finding(v1, "scheduler_delay_factor").sentence, Not(StartsWith("scheduler_delay_factor:"))
  );
}

TEST(MigrateCheck, AWordTooManyIsRefused) {
  const auto report = check("vllm serve m other --port 0");
  EXPECT_EQ(finding(report, "m").fate, Fate::kWorks);
  EXPECT_EQ(finding(report, "other").fate, Fate::kRefused);
}

TEST(MigrateCheck, WhatTheShellDoesWithTheCommandIsNoOption) {
  for (const std::string rest : {"&& echo up", "> log 2>&1 &", "2>log", "| tee log"}) {
    const auto report = check("vllm serve m --seed 1 " + rest);
    EXPECT_EQ(report.findings.size(), 2u) << rest;
    EXPECT_EQ(finding(report, "--seed 1").fate, Fate::kWorks);
  }
}

TEST(MigrateCheck, RefusesOtherCommands) {
  EXPECT_THROW((void)check("vllm bench serve --model m"), InvalidArgument);
  EXPECT_THROW((void)check("vllm"), InvalidArgument);
  EXPECT_THROW((void)check("serve m"), InvalidArgument);
  EXPECT_THROW((void)check(""), InvalidArgument);
}

TEST(SplitLine, KnowsQuotesEscapesAndLinesThatGoOn) {
  EXPECT_THAT(split_line(" a  b\t'c d' "), ElementsAre("a", "b", "c d"));
  EXPECT_THAT(
      split_line(R"(--x='{"a": 1}' "q\"w" e\ f '')"),
      ElementsAre(R"(--x={"a": 1})", "q\"w", "e f", "")
  );
  EXPECT_THAT(split_line("a \\\n  b"), ElementsAre("a", "b"));
  EXPECT_THAT(split_line(""), ElementsAre());
}

}  // namespace
}  // namespace quire::cli
