#include "server/route_caller.h"

#include <exception>
#include <utility>

#include <gtest/gtest.h>

#include "server/router.h"

namespace quire::test {
namespace {

// Reads all streams to their ends; what the answer makes of it.
server::HttpResponse finish(server::Generation& generation, std::string& events) {
  for (size_t i = 0; i < generation.streams.size(); ++i) {
    while (auto output = generation.streams[i]->next())
      generation.answer->add(static_cast<int>(i), std::move(*output), events);
  }
  return generation.answer->finish(events);
}

}  // namespace

RouteCaller::RouteCaller() {
  next_request.headers = {{"content-type", "application/json"}};
  next_request.request_id = "0123";
}

server::Reply RouteCaller::call(
    const std::string& method, const std::string& path, const std::string& body
) {
  server::HttpRequest http = next_request;
  http.method = method;
  http.path = path;
  http.body = body;
  const server::Router router(routes_);
  const server::RouteMatch match = router.find(method, path);
  if (match.route == nullptr) return server::HttpResponse{.status = 404, .body = "no route"};
  http.path_parameters = match.path_parameters;
  try {
    return match.route->handler(http, {});
  } catch (const std::exception& error) {
    return server::error_response(
        server::describe(error), match.route->error_format, http.request_id
    );
  }
}

server::HttpResponse RouteCaller::request(
    const std::string& method, const std::string& path, const std::string& body
) {
  server::Reply reply = call(method, path, body);
  if (auto* response = std::get_if<server::HttpResponse>(&reply)) return std::move(*response);
  auto& generation = std::get<server::Generation>(reply);
  EXPECT_FALSE(generation.is_streaming) << body;
  std::string events;
  server::HttpResponse response = finish(generation, events);
  EXPECT_EQ(events, "") << "one response has no events";
  return response;
}

std::string RouteCaller::stream_text(const std::string& path, const std::string& body) {
  server::Reply reply = call("POST", path, body);
  if (auto* response = std::get_if<server::HttpResponse>(&reply)) {
    ADD_FAILURE() << "no stream: " << response->body;
    return "";
  }
  auto& generation = std::get<server::Generation>(reply);
  EXPECT_TRUE(generation.is_streaming) << body;
  std::string events;
  finish(generation, events);
  return events;
}

}  // namespace quire::test
