#include "apps/jsonl.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/fake_engine_core_client.h"
#include "support/temp_dir.h"

namespace quire::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class JsonlTest : public ::testing::Test {
 protected:
  JsonlTest() {
    auto core = std::make_unique<test::FakeEngineCoreClient>(test::counting_model(2000, 2));
    core_ = core.get();
    engine_ = std::make_unique<AsyncEngine>(test::load_with_fake_core(std::move(core)));
    dir_.write("in.jsonl", kLines);
  }

  std::string path(const std::string& name) const { return (dir_.path() / name).string(); }

  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::vector<std::string> lines(const std::string& name) const {
    std::vector<std::string> lines;
    std::ifstream file(path(name));
    for (std::string line; std::getline(file, line);)
      lines.push_back(line);
    return lines;
  }

  bool run() {
    JsonlFiles files(path("in.jsonl"), path("out.jsonl"));
    return generate_jsonl(*engine_, {}, files, false);
  }

  static constexpr const char* kLines =
      "{\"prompt_token_ids\": [100], \"request_id\": \"a\"}\n"
      "{\"prompt_token_ids\": [200], \"request_id\": \"b\"}\n";

  test::TempDir dir_;
  std::unique_ptr<AsyncEngine> engine_;
  test::FakeEngineCoreClient* core_ = nullptr;
};

TEST_F(JsonlTest, AnswersEveryLine) {
  EXPECT_TRUE(run());
  ASSERT_THAT(lines("out.jsonl"), SizeIs(2));
  EXPECT_THAT(lines("out.jsonl")[1], HasSubstr("[201, 202, "));
}

TEST_F(JsonlTest, ARepeatedIdIsRefusedWhereItComesAgain) {
  dir_.write(
      "in.jsonl",
      "{\"prompt_token_ids\": [100], \"request_id\": \"a\"}\n"
      "{\"prompt_token_ids\": [200], \"request_id\": \"a\"}\n"
      "{\"prompt_token_ids\": [300]}\n"
      "{\"prompt_token_ids\": [400], \"request_id\": \"2\"}\n"
  );
  EXPECT_FALSE(run());
  const auto out = lines("out.jsonl");
  ASSERT_THAT(out, SizeIs(4));
  EXPECT_THAT(out[0], HasSubstr("[101, 102, "));
  EXPECT_THAT(out[1], HasSubstr("\"param\": \"request_id\""));
  EXPECT_THAT(out[2], HasSubstr("[301, 302, ")) << "its id is 2, the number of its line";
  EXPECT_THAT(out[3], HasSubstr("'2' too"));
}

TEST_F(JsonlTest, AnUnexpectedErrorIsThatLinesAlone) {
  engine_->shutdown();  // add_request throws InternalError now
  EXPECT_FALSE(run());
  ASSERT_THAT(lines("out.jsonl"), SizeIs(2));
  EXPECT_THAT(lines("out.jsonl")[0], HasSubstr("\"a\""));
  EXPECT_THAT(lines("out.jsonl")[1], HasSubstr("shut down"));
}

TEST_F(JsonlTest, ADeadEngineEndsTheFile) {
  core_->die("the device is gone");
  engine_->shutdown();  // the outputs' thread has seen it
  EXPECT_THROW(run(), InternalError);
}

TEST_F(JsonlTest, TheOutputReplacesAnOlderOneOnlyWhenItIsWritten) {
  dir_.write("out.jsonl", "older\n");
  { const JsonlFiles files(path("in.jsonl"), path("out.jsonl")); }
  EXPECT_EQ(read("out.jsonl"), "older\n") << "the model may still fail to load";
  EXPECT_TRUE(run());
  EXPECT_THAT(lines("out.jsonl"), SizeIs(2));
}

TEST_F(JsonlTest, TheInputCannotBeTheOutput) {
  for (const char* name : {"in.jsonl", "./in.jsonl", "link.jsonl"}) {
    if (std::string(name) == "link.jsonl") {
      std::filesystem::create_symlink(path("in.jsonl"), path(name));
    }
    try {
      const JsonlFiles files(path("in.jsonl"), path(name));
      FAIL() << "accepted " << name;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "--output-file");
    }
    EXPECT_EQ(read("in.jsonl"), kLines);
  }
}

}  // namespace
}  // namespace quire::cli
