#pragma once

#include <string>
#include <vector>

#include "server/handler.h"

namespace quire::test {

// Calls routes as the HTTP layer does, without HTTP.
class RouteCaller {
 public:
  // The answer when all is said.
  server::HttpResponse request(
      const std::string& method, const std::string& path, const std::string& body = ""
  );
  server::HttpResponse post(const std::string& path, const std::string& body) {
    return request("POST", path, body);
  }
  server::HttpResponse get(const std::string& path) { return request("GET", path); }
  // The reply itself: for what happens before its end.
  server::Reply call(
      const std::string& method, const std::string& path, const std::string& body = ""
  );
  // All events of a stream as they are sent; the test fails when it is none.
  std::string stream_text(const std::string& path, const std::string& body);

  const std::vector<server::Route>& routes() const { return routes_; }
  server::HttpRequest next_request;  // headers, query and id of the coming requests

 protected:
  RouteCaller();

  std::vector<server::Route> routes_;
};

}  // namespace quire::test
