#include "server/ui/ui_routes.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace quire::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

HttpResponse get_page(const Headers& headers) {
  const Route route = make_ui_routes().front();
  HttpRequest request;
  request.method = route.method;
  request.path = route.path;
  request.headers = headers;
  return std::get<HttpResponse>(route.handler(request, CallContext{}));
}

// "": not there.
std::string header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

std::string base64_sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> base64;
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return reinterpret_cast<const char*>(base64.data());
}

// The content of the only <name> element without attributes.
std::string_view element(std::string_view html, const std::string& name) {
  const std::string open = "<" + name + ">";
  const size_t begin = html.find(open) + open.size();
  EXPECT_EQ(html.find(open, begin), std::string_view::npos) << "a second " << open;
  return html.substr(begin, html.find("</" + name + ">", begin) - begin);
}

TEST(UiRoutes, TheFrontPageIsTheOnlyRoute) {
  const std::vector<Route> routes = make_ui_routes();
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes.front().method, "GET");
  EXPECT_EQ(routes.front().path, "/");
}

TEST(UiRoutes, ABrowserGetsThePageCompressed) {
  const HttpResponse page = get_page({{"accept-encoding", "gzip, deflate, br"}});
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(page, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(page, "Vary"), "Accept-Encoding");
  EXPECT_THAT(page.body, StartsWith("\x1f\x8b"));
}

TEST(UiRoutes, AClientWithoutGzipGetsThePagePlain) {
  for (const Headers& headers :
       {Headers{}, Headers{{"accept-encoding", "br"}}, Headers{{"accept-encoding", "gzip;q=0"}}}) {
    const HttpResponse page = get_page(headers);
    EXPECT_EQ(header(page, "Content-Encoding"), "");
    EXPECT_THAT(page.body, StartsWith("<!doctype html>"));
    EXPECT_THAT(page.body, HasSubstr("</html>"));
  }
}

TEST(UiRoutes, ThePolicyAllowsTheInlineScriptAndStyleAndNothingElse) {
  const HttpResponse page = get_page({});
  const std::string policy = header(page, "Content-Security-Policy");
  EXPECT_THAT(policy, StartsWith("default-src 'none'"));
  EXPECT_THAT(
      policy, HasSubstr("script-src 'sha256-" + base64_sha256(element(page.body, "script")))
  );
  EXPECT_THAT(policy, HasSubstr("style-src 'sha256-" + base64_sha256(element(page.body, "style"))));
  EXPECT_THAT(policy, HasSubstr("connect-src 'self'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
}

TEST(UiRoutes, TheBrowserIsToldToGuessNothingAndTellNobody) {
  const HttpResponse page = get_page({});
  EXPECT_EQ(header(page, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header(page, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(page, "Cache-Control"), "no-cache");
}

TEST(UiRoutes, ThePageLoadsNothingFromOutside) {
  const HttpResponse page = get_page({});
  const std::string_view head = std::string_view(page.body).substr(0, page.body.find("<style>"));
  EXPECT_THAT(std::string(head), Not(HasSubstr("//")));
  EXPECT_THAT(page.body, Not(HasSubstr("<script src")));
  EXPECT_THAT(std::string(element(page.body, "style")), Not(HasSubstr("url(")));
}

TEST(UiRoutes, AKnownPageIsNotSentAgain) {
  const Headers gzip = {{"accept-encoding", "gzip"}};
  const std::string etag = header(get_page(gzip), "ETag");
  ASSERT_THAT(etag, StartsWith("\""));
  Headers again = gzip;
  again.emplace_back("if-none-match", "\"another\", W/" + etag);
  const HttpResponse answer = get_page(again);
  EXPECT_EQ(answer.status, 304);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(header(answer, "ETag"), etag);
  EXPECT_EQ(header(answer, "Content-Encoding"), "");
}

TEST(UiRoutes, PlainAndCompressedPageHaveTagsOfTheirOwn) {
  const std::string plain = header(get_page({}), "ETag");
  const HttpResponse answer = get_page({{"accept-encoding", "gzip"}, {"if-none-match", plain}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(header(answer, "ETag"), plain);
}

TEST(UiRoutes, GzipIsTakenWhereTheClientAllowsIt) {
  for (const char* value :
       {"gzip",
        "GZIP",
        "x-gzip",
        "br, gzip",
        "gzip;q=0.2",
        "*",
        "*;q=0.1",
        "gzip ; q=1.0",
        "identity;q=0, gzip",
        "gzip;level=9;q=0.5"}) {
    EXPECT_TRUE(accepts_gzip(value)) << value;
  }
  for (const char* value :
       {"",
        "br",
        "identity",
        "gzip;q=0",
        "gzip;q=0.000",
        "*;q=0",
        "*, gzip;q=0",
        "gzip;q=often",
        "gzipped"}) {
    EXPECT_FALSE(accepts_gzip(value)) << value;
  }
}

TEST(UiRoutes, AnEtagMatchesInAListAndWeakly) {
  EXPECT_TRUE(matches_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("\"b\", W/\"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("*", "\"a\""));
  EXPECT_FALSE(matches_etag("\"ab\"", "\"a\""));
  EXPECT_FALSE(matches_etag("", "\"a\""));
}

}  // namespace
}  // namespace quire::server
