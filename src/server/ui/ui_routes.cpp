#include "server/ui/ui_routes.h"

#include <charconv>
#include <optional>
#include <string>

#include "server/header_text.h"
#include "server/ui/embedded_page.h"
#include "server/ui/page_bundle.h"

namespace quire::server {
namespace {

// The q of "gzip;q=0.5"; 0 for what is no number.
double weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const size_t end = parameters.find(';');
    const std::string_view parameter = trim(parameters.substr(0, end));
    if (parameter.size() > 2 && equals_ignoring_case(parameter.substr(0, 2), "q=")) {
      double weight = 0;
      const char* last = parameter.data() + parameter.size();
      const auto result = std::from_chars(parameter.data() + 2, last, weight);
      return result.ec == std::errc() && result.ptr == last ? weight : 0;
    }
    if (end == std::string_view::npos) break;
    parameters.remove_prefix(end + 1);
  }
  return 1;
}

// Compressed and plain page are two representations, so their tags differ.
std::string etag_of(bool is_gzip) {
  std::string tag = kPageEtag;
  if (is_gzip) tag.insert(tag.size() - 1, "-gzip");
  return tag;
}

HttpResponse page_response(const HttpRequest& request) {
  const std::string* accepted = request.find_header("accept-encoding");
  const std::string* known = request.find_header("if-none-match");
  const bool is_gzip = accepted != nullptr && accepts_gzip(*accepted);
  const std::string etag = etag_of(is_gzip);
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {
      {"ETag", etag},
      {"Cache-Control", "no-cache"},  // kept, but asked about each time
      {"Vary", "Accept-Encoding"},
      {"Content-Security-Policy", kPagePolicy},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
  };
  if (known != nullptr && matches_etag(*known, etag)) {
    response.status = 304;
    return response;
  }
  if (is_gzip) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = compressed_page();
  } else {
    static const std::string page = decompressed_page();
    response.body = page;
  }
  return response;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  double any = 0;
  for (const std::string_view element : split_list(accept_encoding)) {
    const size_t semicolon = element.find(';');
    const bool has_parameters = semicolon != std::string_view::npos;
    const std::string_view coding = trim(element.substr(0, semicolon));
    const double weight = has_parameters ? weight_of(element.substr(semicolon + 1)) : 1;
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) {
      gzip = weight;
    } else if (coding == "*") {
      any = weight;
    }
  }
  return gzip.value_or(any) > 0;
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  for (std::string_view tag : split_list(if_none_match)) {
    if (tag == "*") return true;
    if (tag.substr(0, 2) == "W/") tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

std::vector<Route> make_ui_routes() {
  return {{"GET", "/", [](const HttpRequest& request, const CallContext&) -> Reply {
             return page_response(request);
           }}};
}

}  // namespace quire::server
