#include "apps/remote_model.h"

#include <algorithm>
#include <atomic>
#include <csignal>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/env.h"
#include "base/json_writer.h"
#include "client/completion_chunk.h"
#include "client/url.h"
#include "config/field_visitor.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

std::atomic<bool> was_interrupted = false;
std::atomic<bool> is_answering = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler uses them

constexpr int kExitByInterrupt = 130;

// Parameters of an engine in this process that no server has.
constexpr const char* kLocalOnly[] = {
    "detokenize",
    "logprobs",
    "prompt_logprobs",
    "logprob_token_ids",
    "skip_reading_prefix_cache",
    "n"};

void write_value(JsonWriter& writer, const std::string& value) {
  writer.value(std::string_view(value));
}
void write_value(JsonWriter& writer, bool value) {
  writer.value(value);
}
void write_value(JsonWriter& writer, int value) {
  writer.value(value);
}
void write_value(JsonWriter& writer, int64_t value) {
  writer.value(value);
}
void write_value(JsonWriter& writer, double value) {
  writer.value(value);
}
template <class T>
void write_value(JsonWriter& writer, const std::vector<T>& values) {
  writer.begin_array();
  for (const T& value : values)
    write_value(writer, value);
  writer.end_array();
}
template <class T>
void write_value(JsonWriter& writer, const std::optional<T>& value) {
  value ? write_value(writer, *value) : void(writer.null());
}

// Lives while an answer is given.
struct Answering {
  Answering() {
    was_interrupted = false;
    is_answering = true;
  }
  ~Answering() { is_answering = false; }
};

void on_interrupt(int) {
  if (!is_answering) std::_Exit(kExitByInterrupt);
  was_interrupted = true;
}

std::string url_of(const RemoteOptions& options) {
  return client::parse_url("--url", *options.url).to_string();
}

}  // namespace

void add_remote_options(CommandLine& command_line, RemoteOptions& options, const char* url_help) {
  command_line.add_text("url", options.url, url_help);
  command_line.add_text(
      "model-name", options.model_name, "Model to ask the server for; default: its first."
  );
  command_line.add_text("api-key", options.api_key, "Sent to the server; else OPENAI_API_KEY.");
}

std::string sampling_fields_json(const CommandLine& command_line) {
  SamplingParams params;
  params.max_tokens.reset();
  command_line.apply_to(params);
  params.validate();
  std::string json;
  visit_sampling_fields(params, [&](const char* name, auto& field, auto, auto) {
    if (!command_line.was_given(name)) return;
    if (std::ranges::find(kLocalOnly, std::string_view(name)) != std::end(kLocalOnly)) {
      throw InvalidArgument(name, "is not sent to a server: one text is shown. Leave it out.");
    }
    json += fmt::format(",\"{}\":", name);
    JsonWriter writer(json);
    write_value(writer, field);
  });
  return json;
}

void refuse_engine_options(const CommandLine& command_line) {
  EngineConfig config;
  visit_engine_fields(config, [&](const char* name, auto&, auto, auto) {
    const std::string_view option = name;
    if (!command_line.was_given(name) || option == "seed") return;
    throw InvalidArgument(
        name,
        option == "model" ? "With --url, name the model as the server does: --model-name."
                          : "is the server's business. Leave it out with --url."
    );
  });
}

RemoteModel::RemoteModel(const RemoteOptions& options, std::string sampling_fields)
    : caller_(url_of(options), options.api_key ? options.api_key : env::openai_api_key()),
      sampling_fields_(std::move(sampling_fields)) {
  caller_.stop_when(was_interrupted);
  std::signal(SIGINT, on_interrupt);
  name_ = options.model_name ? *options.model_name : ask_name();
}

RemoteModel::~RemoteModel() {
  std::signal(SIGINT, SIG_DFL);
}

std::string RemoteModel::ask_name() {
  const client::ApiResponse response = caller_.get("/models");
  const std::string url = caller_.base_url() + "/models";
  if (response.status != 200) throw EnvironmentError(url + ": " + error_message(response));
  simdjson::dom::parser parser;
  std::string_view name;
  if (parser.parse(response.body)["data"].at(0)["id"].get(name) != simdjson::SUCCESS) {
    throw EnvironmentError(url + " names no model. Does --url end with /v1? Else --model-name.");
  }
  return std::string(name);
}

std::string RemoteModel::chat(const std::vector<ChatMessage>& messages, const OnText& on_text) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().field("model", std::string_view(name_)).field("stream", true);
  writer.key("messages").begin_array();
  for (const ChatMessage& message : messages) {
    writer.begin_object().field("role", std::string_view(message.role));
    writer.field("content", std::string_view(message.content)).end_object();
  }
  writer.end_array();
  return run("/chat/completions", json + sampling_fields_ + "}", on_text);
}

std::string RemoteModel::complete(const std::string& prompt, const OnText& on_text) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().field("model", std::string_view(name_)).field("stream", true);
  writer.field("prompt", std::string_view(prompt));
  return run("/completions", json + sampling_fields_ + "}", on_text);
}

std::string RemoteModel::run(
    const std::string& path, const std::string& json, const OnText& on_text
) {
  const Answering answering;
  client::CompletionReader reader;
  std::string whole;
  std::optional<std::string> error;
  const client::ApiResponse response = caller_.post(path, json, [&](const client::SseEvent& event) {
    if (event.data == "[DONE]" || was_interrupted) return !was_interrupted;
    const auto chunk = reader.read(event.data);
    if (!chunk || chunk->error) {
      error = chunk ? std::string(*chunk->error) : "no completion: " + std::string(event.data);
      return false;
    }
    if (!chunk->reasoning.empty()) on_text(std::string(chunk->reasoning), true);
    if (!chunk->text.empty()) on_text(std::string(chunk->text), false);
    whole += chunk->text;
    return true;
  });
  if (error) throw EnvironmentError(*error);
  if (was_interrupted) return whole;
  if (response.status != 200) throw EnvironmentError(error_message(response));
  if (!response.is_event_stream) throw EnvironmentError("The server's answer is no event stream.");
  return whole;
}

}  // namespace quire::cli
