#pragma once

#include <string_view>
#include <vector>

#include "server/handler.h"

namespace quire::server {

// GET /: the web page, chat and dashboard in one file, under a strict Content-Security-Policy.
std::vector<Route> make_ui_routes();

// Whether the value of an Accept-Encoding header lets the answer be gzip.
bool accepts_gzip(std::string_view accept_encoding);

// Whether the value of an If-None-Match header names `etag`, weakly or not, or is "*".
bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace quire::server
