#pragma once

#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "server/requests/request_value.h"

namespace quire::server {

// The names of fields that mean nothing here, each logged once.
class UnknownFields {
 public:
  void add(std::string_view name);
  // Those members of the object `value` that are not among `known`, as "reasoning.efort".
  void add_members(const RequestValue& value, std::span<const std::string_view> known);
  size_t count() const;  // different names so far; it stops at kMaxNames
  static constexpr size_t kMaxNames = 1000;

 private:
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> names_;  // guarded by mutex_
};

inline constexpr size_t kMaxJsonDepth = 128;

// A body that is one JSON object.
class JsonBody {
 public:
  // Throws the style's error for text that is no JSON object, or nested deeper than kMaxJsonDepth.
  explicit JsonBody(const std::string& text, BodyStyle style = BodyStyle::kPydantic);

  RequestValue value() const { return {root_, style_}; }
  simdjson::dom::object fields() const { return root_; }

 private:
  simdjson::error_code parse(const std::string& text);

  const BodyStyle style_;
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

}  // namespace quire::server
