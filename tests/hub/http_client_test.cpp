#include "hub/http_client.h"

#include <gtest/gtest.h>

#include "hub/download.h"
#include "support/loopback_hub.h"

namespace quire {
namespace {

using test::LoopbackHub;

TEST(HttpClient, AnswersCarryStatusHeadersAndBody) {
  LoopbackHub hub;
  HttpClient http(std::nullopt);
  const HttpResponse response = http.get(hub.endpoint() + "/api/models/org/tiny/revision/main");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("content-type"), "application/json");
  EXPECT_EQ(response.header("x-missing"), std::nullopt);
  EXPECT_NE(response.body.find(hub.commit), std::string::npos);
}

TEST(HttpClient, ADownloadGoesToItsSinkAndAnErrorsTextDoesNot) {
  LoopbackHub hub;
  hub.files["a"] = {.content = "0123456789"};
  HttpClient http(std::nullopt);
  std::string received;
  const auto sink = [&](const HttpResponse&, std::string_view piece) {
    received += piece;
    return true;
  };
  const std::string folder = hub.endpoint() + "/org/tiny/resolve/" + hub.commit;
  EXPECT_EQ(http.download(folder + "/a", 4, sink).status, 206);
  EXPECT_EQ(received, "456789");
  EXPECT_EQ(http.download(folder + "/b", 0, sink).status, 404);
  EXPECT_EQ(received, "456789");
}

TEST(HttpClient, TheTokenIsNotSentToAnotherHost) {
  LoopbackHub hub;
  hub.required_token = "secret";
  hub.files["a"] = {.content = "content", .is_large = true};
  HttpClient http("secret");
  const auto sink = [](const HttpResponse&, std::string_view) { return true; };
  http.download(hub.endpoint() + "/org/tiny/resolve/" + hub.commit + "/a", 0, sink);
  const auto requests = hub.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_TRUE(requests[0].headers.contains("authorization"));
  EXPECT_EQ(requests[1].target, "/storage/a");
  EXPECT_FALSE(requests[1].headers.contains("authorization"));
}

TEST(HttpClient, AHeadStopsAtARedirectToAnotherHost) {
  LoopbackHub hub;
  hub.files["a"] = {.content = "content", .is_large = true};
  HttpClient http(std::nullopt);
  const auto response = http.head(hub.endpoint() + "/org/tiny/resolve/" + hub.commit + "/a");
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(response.header("x-linked-size"), "7");
  EXPECT_EQ(hub.num_requests("HEAD", "/storage/"), 0U);
}

TEST(HttpClient, AClosedPortIsAConnectionError) {
  std::string endpoint;
  {
    const LoopbackHub hub;
    endpoint = hub.endpoint();
  }
  HttpClient http(std::nullopt);
  EXPECT_THROW(http.get(endpoint + "/"), ConnectionError);
}

TEST(HttpClient, AnUnknownHostIsNotTriedAgain) {
  HttpClient http(std::nullopt);
  int num_tries = 0;
  const auto attempt = [&] {
    ++num_tries;
    return http.get("http://no-such-host.invalid/").status == 200;
  };
  EXPECT_THROW(retry({.max_retries = 3}, attempt), UnknownHostError);
  EXPECT_EQ(num_tries, 1);
}

TEST(HttpClient, AddressesAreEncodedButForWhatIsKept) {
  EXPECT_EQ(url_encode("refs/pr 1"), "refs%2Fpr%201");
  EXPECT_EQ(url_encode("a/b+c.json", "/"), "a/b%2Bc.json");
}

}  // namespace
}  // namespace quire
