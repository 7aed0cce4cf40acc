#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "client/api_call.h"
#include "quire/llm.h"

namespace quire::cli {

struct RemoteOptions {
  std::optional<std::string> url;  // of an OpenAI server, up to and with /v1
  std::optional<std::string> model_name;  // default: the server's first
  std::optional<std::string> api_key;  // default: OPENAI_API_KEY
};

// --model-name and --api-key; `url` has a help text of its own with each command.
void add_remote_options(CommandLine& command_line, RemoteOptions& options, const char* url_help);

// The sampling options that were given, as the fields of a request: ,"temperature":0.5 and so on.
// Throws InvalidArgument for options that a server does not take.
std::string sampling_fields_json(const CommandLine& command_line);

// Throws InvalidArgument for an option of an engine in this process.
void refuse_engine_options(const CommandLine& command_line);

// A model behind an OpenAI server. Ctrl-C ends an answer that is being given, as if the model had
// ended it; without one it ends the program.
class RemoteModel {
 public:
  // Asks for the model's name if none is given. Throws EnvironmentError, InvalidArgument.
  RemoteModel(const RemoteOptions& options, std::string sampling_fields);
  ~RemoteModel();

  // Each hands out the text as it comes and returns the whole; `on_text` has the second argument
  // true for thoughts. Throws EnvironmentError with what the server says.
  using OnText = std::function<void(const std::string& text, bool is_reasoning)>;
  std::string chat(const std::vector<ChatMessage>& messages, const OnText& on_text);
  std::string complete(const std::string& prompt, const OnText& on_text);

  const std::string& name() const { return name_; }

 private:
  std::string ask_name();
  std::string run(const std::string& path, const std::string& json, const OnText& on_text);

  client::ApiCaller caller_;
  std::string name_;
  std::string sampling_fields_;
};

}  // namespace quire::cli
