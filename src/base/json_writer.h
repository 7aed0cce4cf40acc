#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quire {

enum class JsonSpacing : uint8_t {
  kSpaced,  // {"a": 1, "b": 2}
  kCompact,  // {"a":1,"b":2}
};

// Appends JSON to a string, with commas where they belong. The caller keeps begin and end in pairs.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out, JsonSpacing spacing = JsonSpacing::kSpaced)
      : out_(out),
        comma_(spacing == JsonSpacing::kSpaced ? ", " : ","),
        colon_(spacing == JsonSpacing::kSpaced ? ": " : ":") {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag);
  JsonWriter& value(int64_t number);
  JsonWriter& value(uint64_t number);
  JsonWriter& value(int number) { return value(static_cast<int64_t>(number)); }
  JsonWriter& value(double number);  // shortest form; NaN and infinities become null
  JsonWriter& value(float number);
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);  // a value that is JSON already

  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string& out_;
  std::string_view comma_;
  std::string_view colon_;
  bool needs_comma_ = false;
};

// `text` with quotes, as a JSON string. Invalid UTF-8 bytes become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace quire
