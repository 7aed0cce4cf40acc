#include "server/router.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace quire::server {
namespace {

// The part of `path` up to the next slash; removed from it.
std::string_view take_segment(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return segment;
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// What the names of `pattern` stand for; nullopt: `path` is another one.
std::optional<std::map<std::string, std::string>> match(
    std::string_view pattern, std::string_view path
) {
  const auto num_slashes = [](std::string_view text) {
    return std::count(text.begin(), text.end(), '/');
  };
  if (num_slashes(pattern) != num_slashes(path)) return std::nullopt;
  std::map<std::string, std::string> parameters;
  while (!pattern.empty() || !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view segment = take_segment(path);
    if (is_parameter(wanted) && !segment.empty()) {
      parameters.emplace(wanted.substr(1, wanted.size() - 2), segment);
    } else if (wanted != segment) {
      return std::nullopt;
    }
  }
  return parameters;
}

bool is_at_or_above(std::string_view pattern, std::string_view path) {
  while (!pattern.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view segment = take_segment(path);
    if (is_parameter(wanted) ? segment.empty() : wanted != segment) return false;
  }
  return true;
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (size_t i = 0; i < routes_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      QUIRE_CHECK(
          routes_[i].method != routes_[j].method || routes_[i].path != routes_[j].path,
          "{} {} has two routes",
          routes_[i].method,
          routes_[i].path
      );
    }
    if (routes_[i].path.find('{') == std::string::npos) {
      exact_[routes_[i].path].push_back(i);
    } else {
      patterns_.push_back(i);
    }
  }
}

RouteMatch Router::find(std::string_view method, std::string_view path) const {
  RouteMatch found = find_exactly(method, path);
  if (found.route == nullptr && method == "HEAD") found = find_exactly("GET", path);
  return found;
}

RouteMatch Router::find_exactly(std::string_view method, std::string_view path) const {
  if (const auto same = exact_.find(path); same != exact_.end()) {
    for (const size_t i : same->second) {
      if (routes_[i].method == method) return {.route = &routes_[i]};
    }
  }
  for (const size_t i : patterns_) {
    if (routes_[i].method != method) continue;
    if (auto parameters = match(routes_[i].path, path)) {
      return {.route = &routes_[i], .path_parameters = std::move(*parameters)};
    }
  }
  return {};
}

std::vector<std::string> Router::methods_of(std::string_view path) const {
  std::vector<std::string> methods;
  for (const Route& route : routes_) {
    if (route.path == path || match(route.path, path)) methods.push_back(route.method);
  }
  const auto has = [&](const char* method) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  };
  if (has("GET") && !has("HEAD")) methods.emplace_back("HEAD");
  if (!methods.empty() && !has("OPTIONS")) methods.emplace_back("OPTIONS");
  std::sort(methods.begin(), methods.end());
  return methods;
}

ErrorFormat Router::error_format(std::string_view path) const {
  ErrorFormat format = openai_error;
  size_t longest = 0;
  for (const Route& route : routes_) {
    if (route.path.size() <= longest || !is_at_or_above(route.path, path)) continue;
    longest = route.path.size();
    format = route.error_format;
  }
  return format;
}

}  // namespace quire::server
