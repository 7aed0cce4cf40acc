#include "server/openai/events.h"

#include <charconv>

namespace quire::server {

const std::string* failure_of(const RequestOutput& output) {
  static const std::string unknown = "The engine failed.";
  if (output.error) return &*output.error;
  for (const CompletionOutput& completion : output.outputs) {
    if (completion.finish_reason == FinishReason::kError) return &unknown;
  }
  return nullptr;
}

ErrorInfo engine_error(const std::string& reason) {
  return {500, "InternalServerError", reason, std::nullopt};
}

EventWriter::EventWriter(const AnswerHead& head, const char* object) {
  prefix_ = "data: ";
  JsonWriter writer(prefix_, JsonSpacing::kCompact);
  writer.begin_object();
  write_head(writer, head, object);
  writer.key("choices").begin_array();
}

void EventWriter::end(
    std::string& events, const Usage* usage, const std::vector<int32_t>* prompt_token_ids
) {
  events += ']';
  if (prompt_token_ids != nullptr) {
    events += ",\"prompt_token_ids\":";
    JsonWriter writer(events, JsonSpacing::kCompact);
    write_token_ids(writer, *prompt_token_ids);
  }
  if (usage != nullptr) {
    events += ",\"usage\":";
    JsonWriter writer(events, JsonSpacing::kCompact);
    write_usage(writer, *usage);
  }
  events += "}\n\n";
}

void EventWriter::append_usage(std::string& events, const Usage& usage) const {
  begin(events);
  end(events, &usage);
}

void EventWriter::append_error(std::string& events, const ErrorInfo& error) {
  events += "data: ";
  events += error_json(error);
  events += "\n\n";
}

void append_number(std::string& out, int number) {
  char buffer[16];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), number);
  out.append(buffer, result.ptr);
}

}  // namespace quire::server
