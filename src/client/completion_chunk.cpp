#include "client/completion_chunk.h"

namespace quire::client {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

std::string_view text_of(object parent, std::string_view name) {
  std::string_view text;
  return parent[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

int64_t number_of(object parent, std::string_view name) {
  int64_t number = 0;
  return parent[name].get(number) == simdjson::SUCCESS ? number : 0;
}

void read_message(object message, CompletionChunk& chunk) {
  chunk.text = text_of(message, "content");
  chunk.role = text_of(message, "role");
  chunk.reasoning = text_of(message, "reasoning");
  if (chunk.reasoning.empty()) chunk.reasoning = text_of(message, "reasoning_content");
  simdjson::dom::array calls;
  chunk.has_tool_calls = message["tool_calls"].get(calls) == simdjson::SUCCESS && calls.size() > 0;
}

void read_choice(object choice, CompletionChunk& chunk) {
  chunk.index = number_of(choice, "index");
  chunk.finish_reason = text_of(choice, "finish_reason");
  object message;
  if (choice["delta"].get(message) == simdjson::SUCCESS ||
      choice["message"].get(message) == simdjson::SUCCESS) {
    read_message(message, chunk);
  } else {
    chunk.text = text_of(choice, "text");
  }
}

// {"error": {"message"}}, {"error": "…"} or {"message"}.
std::optional<std::string_view> read_error(object root) {
  element error;
  if (root["error"].get(error) != simdjson::SUCCESS || error.is_null()) return std::nullopt;
  object fields;
  std::string_view text;
  if (error.get(fields) == simdjson::SUCCESS) return text_of(fields, "message");
  if (error.get(text) == simdjson::SUCCESS) return text;
  return "an error without a message";
}

std::optional<Usage> read_usage(object root) {
  object fields;
  if (root["usage"].get(fields) != simdjson::SUCCESS) return std::nullopt;
  return Usage{
      .prompt_tokens = number_of(fields, "prompt_tokens"),
      .completion_tokens = number_of(fields, "completion_tokens"),
  };
}

}  // namespace

std::optional<CompletionChunk> CompletionReader::read(std::string_view json) {
  object root;
  if (parser_.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  CompletionChunk chunk;
  chunk.error = read_error(root);
  if (chunk.error) return chunk;
  simdjson::dom::array choices;
  if (root["choices"].get(choices) != simdjson::SUCCESS) return std::nullopt;
  for (const element choice : choices) {
    object fields;
    if (choice.get(fields) != simdjson::SUCCESS) return std::nullopt;
    if (chunk.num_choices++ == 0) read_choice(fields, chunk);
  }
  chunk.usage = read_usage(root);
  return chunk;
}

}  // namespace quire::client
