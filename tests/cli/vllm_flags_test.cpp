#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_line.h"
#include "cli/option_names.h"
#include "cli/option_value.h"
#include "config/field_visitor.h"
#include "config/server_fields.h"
#include "quire/error.h"
#include "support/test_paths.h"
#include "support/words.h"

namespace quire::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Texts = std::map<std::string, std::string>;

// A line of tests/data/vllm_flags.txt, which says what each word means.
struct Flag {
  std::string name;
  std::string value;
  std::string outcome;
  std::string other;
};

std::vector<Flag> read_flags() {
  std::ifstream file(test::test_data_dir() / "vllm_flags.txt");
  std::vector<Flag> flags;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    Flag flag;
    words >> flag.name >> flag.value >> flag.outcome >> flag.other;
    flags.push_back(flag);
  }
  return flags;
}

// "-": the switch itself; "no": its negative form.
Words words_of(const std::string& name, const std::string& value) {
  if (value == "-") return {name};
  if (value == "no") return {"--no-" + name.substr(2)};
  return {name, value};
}

// What an option needs beside it.
Words companions_of(const std::string& flag) {
  if (flag == "--enable-auto-tool-choice") return {"--tool-call-parser", "hermes"};
  if (flag == "--enable-log-outputs") return {"--enable-log-requests"};
  Words tls = {"--ssl-certfile", "a", "--ssl-keyfile", "a"};
  if (flag == "--ssl-cert-reqs") tls.insert(tls.end(), {"--ssl-ca-certs", "a"});
  return flag.starts_with("--ssl-") ? tls : Words{};
}

// Every field of both configurations after parsing, as text.
Texts parsed(Words words) {
  CommandLine command_line("serve", "Serves a model.");
  command_line.add_engine_options();
  command_line.add_server_options();
  EXPECT_TRUE(test::parse_words(command_line, std::move(words)));
  Texts texts;
  const auto note = [&texts](const char* name, auto& field, auto, auto) {
    texts[name] = default_text(field);
  };
  EngineConfig engine = command_line.engine_config();
  visit_engine_fields(engine, note);
  ServerConfig server = command_line.server_config();
  visit_server_fields(server, note);
  return texts;
}

std::vector<std::string> changed_fields(const Texts& before, const Texts& after) {
  std::vector<std::string> names;
  for (const auto& [name, text] : after) {
    if (before.at(name) != text) names.push_back(name);
  }
  return names;
}

std::string field_of(std::string flag) {
  flag = flag.substr(flag.find_first_not_of('-'));
  std::replace(flag.begin(), flag.end(), '-', '_');
  return flag;
}

// What the refusal says; empty: accepted.
std::string refusal(const Words& words) {
  try {
    (void)parsed(words);
    return "";
  } catch (const InvalidArgument& error) {
    return error.what();
  }
}

void expect_refusal(const Words& words) {
  const std::string text = refusal(words);
  EXPECT_THAT(text, StartsWith("not supported: ")) << words.front() << " " << words.back();
  EXPECT_GT(text.size(), std::string("not supported: ").size() + 20) << "no sentence";
}

TEST(VllmFlagsTest, AFlagThatWorksSetsItsField) {
  size_t count = 0;
  for (const Flag& flag : read_flags()) {
    if (flag.outcome != "sets") continue;
    ++count;
    const Words before = companions_of(flag.name);
    Words words = before;
    const Words own = words_of(flag.name, flag.value);
    words.insert(words.end(), own.begin(), own.end());
    const std::string field = flag.other.empty() ? field_of(flag.name) : flag.other;
    EXPECT_THAT(changed_fields(parsed(before), parsed(words)), ElementsAre(field)) << flag.name;
  }
  EXPECT_GT(count, 80u);
}

TEST(VllmFlagsTest, AFlagOfOneValueChangesNothingAndRefusesOthers) {
  size_t count = 0;
  for (const Flag& flag : read_flags()) {
    if (flag.outcome != "taken") continue;
    ++count;
    EXPECT_THAT(changed_fields(parsed({}), parsed(words_of(flag.name, flag.value))), IsEmpty());
    expect_refusal(words_of(flag.name, flag.other));
  }
  EXPECT_GT(count, 60u);
}

TEST(VllmFlagsTest, TheOthersAreRefusedWithASentence) {
  size_t count = 0;
  for (const Flag& flag : read_flags()) {
    if (flag.outcome != "refused") continue;
    ++count;
    expect_refusal(words_of(flag.name, flag.value));
  }
  EXPECT_GT(count, 80u);
}

TEST(VllmFlagsTest, EachFlagStandsOnceAndHasAnOutcome) {
  std::set<std::string> names;
  for (const Flag& flag : read_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name << " stands twice";
    EXPECT_THAT(flag.outcome, ::testing::AnyOf("sets", "taken", "refused")) << flag.name;
  }
}

}  // namespace
}  // namespace quire::cli
