#pragma once

#include <string>
#include <vector>

#include "quire/request_output.h"
#include "server/api_error.h"
#include "server/openai/choice_json.h"

namespace quire::server {

// Why the request of an output failed; nullptr: it did not.
const std::string* failure_of(const RequestOutput& output);

// A failure of the engine.
ErrorInfo engine_error(const std::string& reason);

// What the events of one call share.
class EventWriter {
 public:
  EventWriter(const AnswerHead& head, const char* object);

  // `data: {"id":…,"choices":[`; then come the choices.
  void begin(std::string& events) const { events += prefix_; }
  // After the last choice. `prompt_token_ids`: beside the choices.
  static void end(
      std::string& events,
      const Usage* usage = nullptr,
      const std::vector<int32_t>* prompt_token_ids = nullptr
  );
  // The event after the last choice's end.
  void append_usage(std::string& events, const Usage& usage) const;
  static void append_error(std::string& events, const ErrorInfo& error);
  static void append_done(std::string& events) { events += "data: [DONE]\n\n"; }

 private:
  std::string prefix_;
};

void append_number(std::string& out, int number);

}  // namespace quire::server
