// quire serve as a process: how it starts, what its clients see when it ends.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "e2e/quire_program.h"
#include "server/raw_client.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

namespace quire {
namespace {

using namespace std::chrono_literals;
using test::ChildProcess;
using test::make_request;
using test::ProcessResult;
using test::RawClient;
using test::status_of;
using test::TempDir;

class ServeTest : public testing::Test {
 protected:
  void start(std::vector<std::string> more_options = {}) {
    std::vector<std::string> command = {
        test::kQuire, "serve", test::model(), "--load-format", "null", "--uds", path()};
    command.insert(command.end(), more_options.begin(), more_options.end());
    process_ = std::make_unique<ChildProcess>(command);
    for (int i = 0; i < 1000 && !can_connect(); ++i)
      std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(can_connect()) << "the server did not start";
  }

  std::string path() const { return dir_.path() / "quire.sock"; }

  bool can_connect() const {
    try {
      const RawClient client(path());
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  std::string ask(std::string_view request) const {
    RawClient client(path());
    client.send(request);
    return client.read_response();
  }

  // A stream that gets no tokens, because the engine is paused.
  RawClient start_quiet_stream() {
    EXPECT_EQ(status_of(ask(make_request("POST", "/pause"))), 200);
    RawClient client(path());
    client.send(make_request("POST", "/v1/completions", R"({"prompt": "Hi", "stream": true})"));
    EXPECT_EQ(status_of(client.read_until("\r\n\r\n")), 200) << "the head comes without tokens";
    return client;
  }

  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
};

TEST_F(ServeTest, ServesAndEndsOnSigterm) {
  start();
  EXPECT_EQ(status_of(ask(make_request("GET", "/health"))), 200);
  RawClient client(path());
  client.send(make_request(
      "POST",
      "/v1/completions",
      R"({"prompt": "Hi", "stream": true, "max_tokens": 20, "ignore_eos": true})"
  ));
  const std::string events = client.read_until("data: [DONE]");
  EXPECT_NE(events.find("\"finish_reason\":\"length\""), std::string::npos) << events;
  process_->signal(SIGTERM);
  const ProcessResult result = process_->wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("Serving on unix:" + path()), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("\"POST /v1/completions HTTP/1.1\" 200 OK"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ServeTest, EndsWhatRunsWithAnErrorWhenItMayNotWait) {
  start({"--enable-dev-endpoints"});
  RawClient client = start_quiet_stream();
  process_->signal(SIGINT);
  EXPECT_NE(client.read_all().find("The server is shutting down."), std::string::npos);
  EXPECT_EQ(process_->wait().exit_code, 0);
}

TEST_F(ServeTest, WaitsForWhatRunsUntilASecondSignal) {
  start({"--enable-dev-endpoints", "--shutdown-timeout", "600"});
  RawClient client = start_quiet_stream();
  process_->signal(SIGTERM);
  EXPECT_EQ(client.read_all(500ms), "") << "the stream goes on";
  EXPECT_FALSE(client.is_closed_within(0ms));
  EXPECT_FALSE(can_connect()) << "nobody new is served";
  process_->signal(SIGTERM);
  EXPECT_NE(client.read_all().find("The server is shutting down."), std::string::npos);
  EXPECT_EQ(process_->wait().exit_code, 0);
}

}  // namespace
}  // namespace quire
