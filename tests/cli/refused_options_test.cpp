#include "cli/refused_options.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/field_visitor.h"
#include "config/server_fields.h"

namespace quire::cli {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view option) {
  const char* text = refusal_of_option(option);
  return text != nullptr ? text : "";
}

TEST(RefusedOptionsTest, KnownOptionsSayWhatToDoInstead) {
  EXPECT_THAT(refusal("--master-addr"), HasSubstr("--num-threads"));
  EXPECT_THAT(refusal("-dpb"), HasSubstr("--num-threads"));
  EXPECT_THAT(refusal("--data-parallel-rpc-port"), HasSubstr("--num-threads"));
  EXPECT_THAT(refusal("--cudagraph-capture-sizes"), HasSubstr("eagerly already"));
  EXPECT_THAT(refusal("-O3"), HasSubstr("eagerly already"));
  EXPECT_THAT(refusal("--quantization-config"), HasSubstr("--dtype"));
  EXPECT_THAT(refusal("--lora-modules"), HasSubstr("merge the adapter"));
  EXPECT_THAT(refusal("--kv-events-config"), HasSubstr("not published"));
  EXPECT_THAT(refusal("--middleware"), HasSubstr("proxy"));
}

TEST(RefusedOptionsTest, OptionsOfOneValueSayItWhereTheyAreNotTaken) {
  EXPECT_THAT(refusal("--tensor-parallel-size"), HasSubstr("--num-threads"));
  EXPECT_THAT(refusal("-tp"), HasSubstr("--num-threads"));
}

TEST(RefusedOptionsTest, OptionsOfOtherCommandsNameThem) {
  EXPECT_THAT(place_of_option("--port"), HasSubstr("quire serve"));
  EXPECT_THAT(place_of_option("--no-enable-offline-docs"), HasSubstr("quire serve"));
  EXPECT_THAT(place_of_option("--top-k"), HasSubstr("each request"));
  EXPECT_EQ(place_of_option("--tensor-parallel-size"), nullptr);
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
  ServerConfig server;
  visit_server_fields(server, check);
}

}  // namespace
}  // namespace quire::cli
