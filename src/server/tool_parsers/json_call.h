#pragma once

#include <string>

#include "server/tool_parsers/delta_builder.h"
#include "server/tool_parsers/value_copier.h"

namespace quire::server {

// Reads one call written as a JSON object: {"name": …, "arguments": {…}}, in either order;
// "parameters" is the same as "arguments". Other members are skipped. The call begins in the
// message once its name is known and its arguments have begun.
class JsonCall {
 public:
  // is_strict: a member that calls do not have means that the object is none.
  explicit JsonCall(bool is_strict) : is_strict_(is_strict) {}

  void restart();
  // kEnd: the object is complete and was a call.
  Progress read(std::string_view text, DeltaBuilder& out);

 private:
  enum class State { kOpen, kKey, kColon, kValue, kAfterValue, kEnd };
  enum class Member { kName, kArguments, kOther };

  Progress step(std::string_view text, DeltaBuilder& out);
  Progress read_mark(char c, DeltaBuilder& out);
  Progress read_key(std::string_view text);
  Progress begin_value(std::string_view text, DeltaBuilder& out);
  Progress read_value(std::string_view text, DeltaBuilder& out);
  bool begin_member();
  bool end_name(DeltaBuilder& out);

  bool is_strict_;
  State state_ = State::kOpen;
  Member member_ = Member::kOther;
  bool is_in_part_ = false;  // of the key or value that copier_ reads
  ValueCopier copier_{Dialect::kJson};
  std::string part_;  // what copier_ has made of the key, the name or a skipped value
  std::string name_;
  std::string early_arguments_;  // those that came before the name
  bool has_arguments_ = false;  // their value has begun
};

}  // namespace quire::server
