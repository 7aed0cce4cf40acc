#include "cli/refused_options.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/field_visitor.h"

namespace quire::cli {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view option) {
  const char* text = refusal_of_option(option);
  return text != nullptr ? text : "";
}

TEST(RefusedOptionsTest, KnownOptionsSayWhatToDoInstead) {
  EXPECT_THAT(refusal("--tensor-parallel-size"), HasSubstr("--num-threads"));
  EXPECT_THAT(refusal("-tp"), HasSubstr("--num-threads"));
  EXPECT_THAT(refusal("--data-parallel-size-local"), HasSubstr("--num-threads"));
  EXPECT_THAT(refusal("--enforce-eager"), HasSubstr("eagerly already"));
  EXPECT_THAT(refusal("-O3"), HasSubstr("eagerly already"));
  EXPECT_THAT(refusal("--quantization"), HasSubstr("--dtype"));
  EXPECT_THAT(refusal("--num-scheduler-steps"), HasSubstr("V1 plans every step"));
  EXPECT_THAT(refusal("--enable-lora"), HasSubstr("merge the adapter"));
  EXPECT_THAT(refusal("--kv-events-config"), HasSubstr("published by a server"));
  EXPECT_THAT(refusal("--kv-cache-metrics"), HasSubstr("--stats"));
  EXPECT_THAT(refusal("--kv-cache-metrics-sample"), HasSubstr("--stats"));
}

TEST(RefusedOptionsTest, AnOptionMayBeNegatedOrDotted) {
  EXPECT_EQ(refusal("--no-trust-remote-code"), refusal("--trust-remote-code"));
  EXPECT_EQ(refusal("--compilation-config.mode"), refusal("--compilation-config"));
}

TEST(RefusedOptionsTest, OtherNamesAreNotRefused) {
  for (const char* name : {"--max-tokens", "--tensor-parallel", "--no-", "-t", "stray"}) {
    EXPECT_EQ(refusal(name), "") << name;
  }
}

// A row for an option that exists would never be read.
TEST(RefusedOptionsTest, NoOptionOfThisVersionIsRefused) {
  const auto check = [](std::string name, auto&, const char*, const char*) {
    std::replace(name.begin(), name.end(), '_', '-');
    EXPECT_EQ(refusal("--" + name), "") << name << " is an option now: drop its row";
  };
  EngineConfig config;
  visit_engine_fields(config, check);
  SamplingParams params;
  visit_sampling_fields(params, check);
}

}  // namespace
}  // namespace quire::cli
