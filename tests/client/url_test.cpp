#include "client/url.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::client {
namespace {

TEST(UrlTest, SplitsAnAddress) {
  const Url url = parse_url("--url", "http://localhost:8001/v1/");
  EXPECT_EQ(url.host, "localhost");
  EXPECT_EQ(url.port, 8001);
  EXPECT_EQ(url.path, "/v1");
  EXPECT_FALSE(url.is_tls);
  EXPECT_EQ(url.to_string(), "http://localhost:8001/v1");
}

TEST(UrlTest, KnowsTheUsualPorts) {
  EXPECT_EQ(parse_url("--url", "http://a.example").port, 80);
  const Url url = parse_url("--url", "https://a.example/openai/v1");
  EXPECT_TRUE(url.is_tls);
  EXPECT_EQ(url.port, 443);
}

TEST(UrlTest, TakesAnIpv6AddressOutOfItsBrackets) {
  const Url url = parse_url("--url", "http://[::1]:80");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority(), "[::1]:80");
}

TEST(UrlTest, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"",
        "localhost:8000",
        "ftp://a",
        "http://",
        "http://:80",
        "http://a:0",
        "http://a:65536",
        "http://a:b",
        "http://[::1",
        "http://[::1]x",
        "http://user@host",
        "http://a/v1?key=1",
        "http://a/v 1",
        "http://a\r\nX: y"}) {
    try {
      parse_url("--url", text);
      FAIL() << text;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.field(), "--url");
    }
  }
}

}  // namespace
}  // namespace quire::client
