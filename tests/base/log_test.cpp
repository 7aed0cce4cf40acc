#include "base/log.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

namespace quire {
namespace {

using ::testing::MatchesRegex;

// One line of the process's logger in that format.
std::string log_line(LogFormat format, const char* message) {
  init_logging();
  std::ostringstream out;
  auto& sinks = spdlog::get("quire")->sinks();
  sinks.push_back(std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  set_log_format(format);
  QUIRE_LOG_WARN("{}", message);
  spdlog::get("quire")->flush();
  sinks.pop_back();
  set_log_format(LogFormat::kText);
  return out.str();
}

TEST(LogTest, ATextLineHasLevelTimeAndPlace) {
  EXPECT_THAT(
      log_line(LogFormat::kText, "the cache is full"),
      MatchesRegex("WARNING [0-9-]+ [0-9:]+ \\[log_test.cpp:[0-9]+\\] the cache is full\n")
  );
}

TEST(LogTest, ATextLineIsOneLineWhateverItSays) {
  EXPECT_THAT(
      log_line(LogFormat::kText, "said: hi\nERROR 01-01 00:00:00 [a.cpp:1] forged\x1b[2J"),
      MatchesRegex("WARNING [^\n]* said: hi\\\\nERROR 01-01 00:00:00 \\[a.cpp:1\\] forged"
                   "\\\\x1b\\[2J\n")
  );
}

TEST(LogTest, AJsonLineIsOneObject) {
  EXPECT_THAT(
      log_line(LogFormat::kJson, "say \"no\"\nplease"),
      MatchesRegex(
          "\\{\"time\":\"[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+.[0-9]+Z\",\"level\":\"WARNING\","
          "\"file\":\"log_test.cpp\",\"line\":[0-9]+,"
          "\"message\":\"say \\\\\"no\\\\\"\\\\nplease\"\\}\n"
      )
  );
}

}  // namespace
}  // namespace quire
