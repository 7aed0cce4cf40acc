#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/tool_parsers/delta_builder.h"
#include "server/tool_parsers/tag_scanner.h"

namespace quire::server {

// Tells the content of a message and its tool calls apart, as the text comes. A format says with
// which tags calls begin and reads what follows; all else is done here:
// - Content goes out at once, but for a possible beginning of a tag.
// - White space between calls, and before a message's first call if nothing else stands there, is
//   dropped.
// - What looked like a call and is none becomes content, up to the byte that cannot stand there.
//   What has been sent of a call stays sent.
// The time is linear in the text's length.
class ToolParser {
 public:
  virtual ~ToolParser() = default;

  void push(std::string_view text, DeltaBuilder& out);
  void finish(DeltaBuilder& out);

 protected:
  // Longest text that is kept back because it may become a call.
  static constexpr size_t kMaxHeldBytes = 256 * 1024;
  static constexpr size_t kMaxNameBytes = 256;

  struct Start {
    std::string_view tag;
    bool is_read = false;  // read() gets the tag too
    bool only_first = false;  // only where nothing but white space stands before it
  };

  explicit ToolParser(std::vector<Start> starts);

 private:
  // A start tag, of this index, has come.
  virtual void open(size_t start) = 0;
  // Reads on, at most to the end of one call (kCallEnd). kEnd: the first `taken` bytes belong to
  // the calls, what follows is content or a start tag. Of a text that it rejects it must have taken
  // a start tag with is_read.
  virtual Progress read(std::string_view text, DeltaBuilder& out) = 0;
  // The text may end here without being malformed: no call has begun since the last one ended.
  virtual bool is_between_calls() const = 0;

  Progress step(std::string_view text, DeltaBuilder& out);
  Progress read_content(std::string_view text, DeltaBuilder& out);
  Progress read_calls(std::string_view text, DeltaBuilder& out);
  void add_content(std::string_view text, DeltaBuilder& out);
  void leave_calls(DeltaBuilder& out);

  std::vector<Start> starts_;
  TagScanner first_tags_;  // all starts
  std::vector<size_t> later_starts_;  // those without only_first
  TagScanner later_tags_;

  std::string pending_;  // not taken yet
  std::string spaces_;  // white space that may stand before a call
  std::string held_;  // text of the calls since content, or since the last call's end
  bool holds_spaces_ = true;
  bool has_begun_ = false;  // there was content, or a call
  bool is_in_calls_ = false;
};

}  // namespace quire::server
