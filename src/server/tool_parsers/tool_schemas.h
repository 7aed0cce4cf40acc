#pragma once

#include <map>
#include <string>
#include <string_view>

namespace quire::server {

// What a tool's JSON schema says about one of its parameters.
struct ParameterType {
  enum Kind { kString, kInteger, kNumber, kBoolean, kOther };
  Kind kind = kString;  // kOther: object, array, or a type that no one knows
  bool may_be_null = false;
};

// The types of all parameters of a request's tools, for formats whose values carry no type.
class ToolSchemas {
 public:
  // The request's `tools`: a JSON array, or empty. Throws InvalidArgument (field "tools").
  explicit ToolSchemas(std::string_view tools_json);

  // Of a parameter that no schema knows: a string.
  ParameterType type_of(const std::string& tool, const std::string& parameter) const;

 private:
  std::map<std::string, std::map<std::string, ParameterType>> tools_;
};

// `text`, the value of such a parameter, as JSON. What does not fit the type becomes a string.
std::string convert_parameter(const ParameterType& type, std::string_view text);

}  // namespace quire::server
