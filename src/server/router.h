#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/handler.h"

namespace quire::server {

struct RouteMatch {
  const Route* route = nullptr;  // nullptr: no route
  std::map<std::string, std::string> path_parameters;
};

class Router {
 public:
  // Throws InternalError when two routes have the same method and path.
  explicit Router(std::vector<Route> routes);

  // HEAD is served by GET where it has no route of its own.
  RouteMatch find(std::string_view method, std::string_view path) const;
  // The methods of `path`, for an Allow header; empty: there is no such path.
  std::vector<std::string> methods_of(std::string_view path) const;
  // That of the route at `path`, whatever its method, or of the nearest one above.
  ErrorFormat error_format(std::string_view path) const;

 private:
  struct StringHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Exact = std::unordered_map<std::string, std::vector<size_t>, StringHash, std::equal_to<>>;

  RouteMatch find_exactly(std::string_view method, std::string_view path) const;

  std::vector<Route> routes_;
  Exact exact_;  // path -> routes
  std::vector<size_t> patterns_;  // routes whose path has a {name}
};

}  // namespace quire::server
