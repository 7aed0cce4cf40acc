#include "server/responses/response_output.h"

#include <fmt/format.h>

namespace quire::server {
namespace {

using Kind = OutputItem::Kind;

const char* id_prefix(Kind kind) {
  switch (kind) {
    case Kind::kReasoning:
      return "rs";
    case Kind::kMessage:
      return "msg";
    case Kind::kFunctionCall:
      return "fc";
  }
  return "";
}

}  // namespace

void ResponseOutput::add(
    const MessageDelta& delta, std::string_view logprobs, std::string& events
) {
  if (!delta.reasoning.empty()) {
    append(open(Kind::kReasoning, events), delta.reasoning, {}, events);
  }
  if (!delta.content.empty()) {
    append(open(Kind::kMessage, events), delta.content, logprobs, events);
  }
  for (const ToolCallDelta& call : delta.tool_calls) {
    OutputItem& item = open_call(call, events);
    if (!call.arguments.empty()) append(item, call.arguments, {}, events);
  }
}

void ResponseOutput::finish(bool is_cut, std::string& events) {
  if (items_.empty()) open(Kind::kMessage, events);
  close(is_cut ? "incomplete" : "completed", events);
}

bool ResponseOutput::is_open(Kind kind) const {
  return has_open_item_ && items_.back().kind == kind;
}

OutputItem ResponseOutput::new_item(Kind kind) const {
  // resp_<digits> gives msg_<digits>00, and so on: unique as the response's is.
  const std::string_view digits = std::string_view(id_).substr(id_.find('_') + 1);
  return {.kind = kind, .id = fmt::format("{}_{}{:02x}", id_prefix(kind), digits, items_.size())};
}

OutputItem& ResponseOutput::open(Kind kind, std::string& events) {
  if (is_open(kind)) return items_.back();
  close("completed", events);
  items_.push_back(new_item(kind));
  has_open_item_ = true;
  if (events_writer_ != nullptr) {
    events_writer_->item_added(events, static_cast<int>(items_.size()) - 1, items_.back());
  }
  return items_.back();
}

OutputItem& ResponseOutput::open_call(const ToolCallDelta& call, std::string& events) {
  if (is_open(Kind::kFunctionCall) && open_call_index_ == call.index) return items_.back();
  close("completed", events);
  OutputItem& item = items_.emplace_back(new_item(Kind::kFunctionCall));
  item.call_id = "call_" + item.id.substr(item.id.find('_') + 1);
  item.name = call.name.value_or("");
  has_open_item_ = true;
  open_call_index_ = call.index;
  if (events_writer_ != nullptr) {
    events_writer_->item_added(events, static_cast<int>(items_.size()) - 1, item);
  }
  return item;
}

void ResponseOutput::close(std::string_view status, std::string& events) {
  if (!has_open_item_) return;
  has_open_item_ = false;
  if (events_writer_ == nullptr) return;
  events_writer_->item_done(events, static_cast<int>(items_.size()) - 1, items_.back(), status);
}

void ResponseOutput::append(
    OutputItem& item, std::string_view text, std::string_view logprobs, std::string& events
) {
  item.text += text;
  if (!logprobs.empty()) {
    if (!item.logprobs.empty()) item.logprobs += ", ";
    item.logprobs += logprobs;
  }
  if (events_writer_ == nullptr) return;
  const int output_index = static_cast<int>(items_.size()) - 1;
  events_writer_->delta(events, output_index, item, text, logprobs);
}

}  // namespace quire::server
