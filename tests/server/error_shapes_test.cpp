// Errors as the clients of each API know them, over sockets: what is refused before a handler runs,
// what a handler throws, what breaks a stream off.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/json_text.h"
#include "server/raw_client.h"
#include "server/server.h"
#include "support/fake_engine_core_client.h"

namespace quire::server {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::header_of;
using test::JsonText;
using test::make_request;
using test::RawClient;
using test::status_of;
using ::testing::HasSubstr;

constexpr const char* kKey = "Authorization: Bearer key\r\n";
constexpr const char* kMessages =
    R"("model": "small-chat", "messages": [{"role": "user", "content": "Hi"}])";

enum class Shape { kOpenAi, kAnthropic };

struct Endpoint {
  std::string path;
  std::string body;  // without its closing brace
  Shape shape = Shape::kOpenAi;
};

const Endpoint kChat{"/v1/chat/completions", std::string("{") + kMessages};
const Endpoint kResponses{"/v1/responses", R"({"model": "small-chat", "input": "Hi")"};
const Endpoint kMessagesApi{
    "/v1/messages", std::string(R"({"max_tokens": 20, )") + kMessages, Shape::kAnthropic};
const Endpoint kCountTokens{
    "/v1/messages/count_tokens", std::string("{") + kMessages, Shape::kAnthropic};

const char* anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

void expect_error(const std::string& response, int status, Shape shape) {
  ASSERT_EQ(status_of(response), status) << response;
  const std::string body = body_of(response);
  const JsonText json(body);
  if (shape == Shape::kAnthropic) {
    EXPECT_EQ(json.text("/type"), "error") << body;
    EXPECT_EQ(json.text("/error/type"), anthropic_type(status)) << body;
    EXPECT_NE(json.text("/error/message"), "");
  } else if (status == 401) {
    EXPECT_EQ(body, R"({"error":"Unauthorized"})");
  } else {
    EXPECT_EQ(json.number("/error/code"), status) << body;
    EXPECT_NE(json.text("/error/message"), "");
    EXPECT_NE(json.text("/error/type"), "");
    EXPECT_NO_THROW((void)json.at("/error/param")) << body;
  }
}

// The JSON of the last event in `text` that is no [DONE].
std::string last_data(const std::string& text) {
  const size_t begin = text.rfind("data: {");
  if (begin == std::string::npos) return "";
  const size_t end = text.find("\n\n", begin);
  return text.substr(begin + 6, end - begin - 6);
}

// The whole server, over an engine whose steps the test tells.
class ErrorShapesTest : public testing::Test {
 protected:
  ErrorShapesTest() {
    config_.host = "127.0.0.1";
    config_.port = 0;
    config_.disable_uvicorn_access_log = true;
    config_.api_key = {"key"};
  }

  void serve() {
    auto core = std::make_unique<test::FakeEngineCoreClient>();
    core_ = core.get();
    engine_ = std::make_unique<AsyncEngine>(test::load_with_fake_core(std::move(core)));
    server_ = std::make_unique<Server>(config_, *engine_, "small-chat");
  }

  RawClient connect() const { return RawClient(server_->port()); }

  std::string ask(const std::string& request) const {
    RawClient client = connect();
    client.send(request);
    return client.read_response();
  }

  static std::string post(const Endpoint& endpoint, const std::string& more_fields = "") {
    return make_request("POST", endpoint.path, endpoint.body + more_fields + "}", kKey);
  }

  // A client whose request is with the engine, the `index`-th there.
  RawClient start(const Endpoint& endpoint, const std::string& fields, size_t index) const {
    RawClient client = connect();
    client.send(post(endpoint, fields));
    for (int i = 0; i < 5000 && core_->added().size() <= index; ++i)
      std::this_thread::sleep_for(1ms);
    EXPECT_EQ(core_->added().size(), index + 1);
    return client;
  }

  // The same for a stream whose first word has come.
  RawClient start_stream(const Endpoint& endpoint, size_t index) const {
    RawClient client = start(endpoint, R"(, "stream": true)", index);
    emit(index);
    EXPECT_TRUE(emit_and_read(index, client)) << endpoint.path;
    return client;
  }

  // Whether a word of the `index`-th answer comes to its client.
  bool emit_and_read(size_t index, RawClient& client) const {
    emit(index);
    return client.read_until("word\"").ends_with("word\"");
  }

  void emit(size_t index, std::optional<FinishReason> reason = std::nullopt) const {
    EngineCoreOutput output;
    output.request_id = core_->added().at(index).id;
    output.finish_reason = reason;
    core_->emit(std::move(output), engine_->tokenizer()->encode("word", false));
  }

  ServerConfig config_;
  test::FakeEngineCoreClient* core_ = nullptr;
  std::unique_ptr<AsyncEngine> engine_;
  std::unique_ptr<Server> server_;
};

TEST_F(ErrorShapesTest, OfWhatIsRefusedBeforeAHandlerRuns) {
  config_.max_body_size = 4096;
  config_.timeout_body = 0.2;
  serve();
  for (const Endpoint& endpoint : {kChat, kResponses, kMessagesApi, kCountTokens}) {
    const std::string& path = endpoint.path;
    SCOPED_TRACE(path);
    const auto expect = [&](int status, const std::string& request) {
      expect_error(ask(request), status, endpoint.shape);
    };
    expect(401, make_request("POST", path, "{}"));
    expect(404, make_request("POST", path + "/of/nobody", "{}", kKey));
    expect(405, make_request("PUT", path, "{}", kKey));
    const std::string head = "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + kKey;
    expect(400, head + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
    expect(413, head + "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n");
    expect(
        413,
        head + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" +
            std::string(5000, ' ') + "\r\n0\r\n\r\n"
    );
    expect(408, head + "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{");
  }
}

TEST_F(ErrorShapesTest, OfWhatHandlersThrow) {
  serve();
  for (const Endpoint& endpoint : {kChat, kResponses, kMessagesApi, kCountTokens}) {
    SCOPED_TRACE(endpoint.path);
    const auto expect = [&](int status, const std::string& body) {
      expect_error(ask(make_request("POST", endpoint.path, body, kKey)), status, endpoint.shape);
    };
    expect(400, "{");
    expect(400, "{}");
    std::string other_model = endpoint.body + "}";
    other_model.replace(other_model.find("small-chat"), 10, "large-chat");
    expect(404, other_model);
  }
}

TEST_F(ErrorShapesTest, OfPathsBehindARootPath) {
  config_.root_path = "/llm";
  serve();
  expect_error(ask(make_request("POST", "/llm/v1/messages", "{}")), 401, Shape::kAnthropic);
  expect_error(ask(make_request("PUT", "/llm/v1/messages", "{}", kKey)), 405, Shape::kAnthropic);
  expect_error(ask(make_request("POST", "/llm/v1/responses", "{}")), 401, Shape::kOpenAi);
}

TEST_F(ErrorShapesTest, OfAQueueThatIsFull) {
  config_.max_queue_size = 1;
  serve();
  const RawClient waiting = start(kChat, "", 0);  // the fake core runs none at once
  for (const Endpoint& endpoint : {kChat, kResponses, kMessagesApi}) {
    const std::string response = ask(post(endpoint));
    expect_error(response, 429, endpoint.shape);
    EXPECT_EQ(header_of(response, "retry-after"), "1");
  }
}

TEST_F(ErrorShapesTest, OfAServerThatShutsDown) {
  serve();
  const std::vector<Endpoint> endpoints = {kChat, kResponses, kMessagesApi};
  std::vector<RawClient> clients;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    clients.push_back(start_stream(endpoints[i], i));
    clients.back().send(post(endpoints[i]));  // on a connection that is kept alive
  }
  server_->shutdown();
  // The requests are read before the streams end: what a connection's thread is told while it looks
  // at its sockets may come before what it finds there, but nothing told after that.
  for (size_t i = 0; i < endpoints.size(); ++i) {
    EXPECT_TRUE(emit_and_read(i, clients[i]));
    EXPECT_TRUE(emit_and_read(i, clients[i]));
  }
  for (size_t i = 0; i < endpoints.size(); ++i)
    emit(i, FinishReason::kLength);
  for (size_t i = 0; i < endpoints.size(); ++i) {
    clients[i].read_until("0\r\n\r\n");  // the stream goes on to its end
    const std::string refusal = clients[i].read_response();
    expect_error(refusal, 503, endpoints[i].shape);
    EXPECT_EQ(header_of(refusal, "retry-after"), "1");
  }
}

TEST_F(ErrorShapesTest, OfAnAnswerThatIsBrokenOff) {
  serve();
  const std::vector<Endpoint> endpoints = {kChat, kResponses, kMessagesApi};
  std::vector<RawClient> clients;
  for (size_t i = 0; i < endpoints.size(); ++i)
    clients.push_back(start(endpoints[i], "", i));
  server_->shutdown();
  server_->abort();
  for (size_t i = 0; i < endpoints.size(); ++i)
    expect_error(clients[i].read_response(), 503, endpoints[i].shape);
}

TEST_F(ErrorShapesTest, OfStreamsThatAreBrokenOff) {
  serve();
  RawClient completion = start_stream({"/v1/completions", R"({"prompt": "Hi")"}, 0);
  RawClient chat = start_stream(kChat, 1);
  RawClient message = start_stream(kMessagesApi, 2);
  RawClient response = start_stream(kResponses, 3);
  server_->shutdown();
  server_->abort();

  for (RawClient* client : {&completion, &chat}) {
    const std::string rest = client->read_all();
    EXPECT_EQ(JsonText(last_data(rest)).number("/error/code"), 503) << rest;
    EXPECT_THAT(rest, HasSubstr("data: [DONE]\n\n\r\n0\r\n\r\n"));
  }

  const std::string message_rest = message.read_all();
  EXPECT_THAT(message_rest, HasSubstr("event: error\ndata: {\"type\":\"error\""));
  EXPECT_EQ(JsonText(last_data(message_rest)).text("/error/type"), "overloaded_error");
  EXPECT_THAT(message_rest, Not(HasSubstr("[DONE]")));

  const std::string response_rest = response.read_all();
  EXPECT_THAT(response_rest, HasSubstr("event: response.failed\n"));
  EXPECT_THAT(response_rest, Not(HasSubstr("[DONE]")));
  const JsonText failed(last_data(response_rest));
  EXPECT_EQ(failed.text("/response/status"), "failed");
  EXPECT_EQ(failed.text("/response/error/code"), "server_error");
  EXPECT_EQ(failed.text("/response/error/message"), "The server is shutting down.");
  EXPECT_EQ(failed.text("/response/output/0/status"), "incomplete");
}

TEST_F(ErrorShapesTest, OfStreamsThatTheEngineFails) {
  serve();
  RawClient chat = start_stream(kChat, 0);
  RawClient message = start_stream(kMessagesApi, 1);
  RawClient response = start_stream(kResponses, 2);
  core_->die("The model is gone.");
  EXPECT_EQ(JsonText(last_data(chat.read_until("0\r\n\r\n"))).number("/error/code"), 500);
  EXPECT_EQ(JsonText(last_data(message.read_until("0\r\n\r\n"))).text("/error/type"), "api_error");
  EXPECT_EQ(JsonText(last_data(response.read_until("0\r\n\r\n"))).text("/type"), "response.failed");
}

}  // namespace
}  // namespace quire::server
