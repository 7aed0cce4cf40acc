#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "server/openai/request_value.h"

namespace quire::server {

// The names of fields that mean nothing here, each logged once.
class UnknownFields {
 public:
  void add(std::string_view name);
  size_t count() const;  // different names so far; it stops at kMaxNames
  static constexpr size_t kMaxNames = 1000;

 private:
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> names_;  // guarded by mutex_
};

// A body that is one JSON object.
class JsonBody {
 public:
  // Throws ApiError 400 for text that is no JSON object, or nested too deeply.
  explicit JsonBody(const std::string& text);
  simdjson::dom::object fields() const { return fields_; }

 private:
  void parse(const std::string& text);

  simdjson::dom::parser parser_;
  simdjson::dom::object fields_;
};

}  // namespace quire::server
