#include "base/file.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "quire/error.h"

namespace quire {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ReadFile : public testing::Test {
 protected:
  ReadFile() : path_(fs::temp_directory_path() / ("quire-file-test-" + std::to_string(getpid()))) {}
  ~ReadFile() override { fs::remove(path_); }

  void write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
  }
  std::string error_of(const fs::path& path, int64_t max_bytes = 1000) const {
    try {
      (void)read_file(path, max_bytes);
    } catch (const EnvironmentError& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  fs::path path_;
};

TEST_F(ReadFile, GivesEveryByte) {
  std::string content(200'000, '\0');
  for (size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<char>(i * 7);
  write(content);
  EXPECT_EQ(read_file(path_), content);
  write("");
  EXPECT_EQ(read_file(path_), "");
}

TEST_F(ReadFile, NamesTheFileAndTheReason) {
  EXPECT_THAT(error_of("/no/such.json"), HasSubstr("Cannot read /no/such.json: No such file"));
  EXPECT_THAT(error_of(fs::temp_directory_path()), HasSubstr("Is a directory"));
}

TEST_F(ReadFile, HasABound) {
  write(std::string(100, 'x'));
  EXPECT_EQ(read_file(path_, 100).size(), 100u);
  EXPECT_THAT(error_of(path_, 99), HasSubstr("more than 99 bytes"));
}

}  // namespace
}  // namespace quire
