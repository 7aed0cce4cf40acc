#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/async_engine.h"
#include "quire/chat_template.h"
#include "quire/server_config.h"
#include "server/calls/engine_ids.h"

namespace quire::server {

// What all endpoints share; it outlives their routes.
struct ServerState {
  AsyncEngine& engine;
  const ServerConfig& config;
  std::vector<std::string> model_names;  // at least one; answers carry the first

  // The rest is make_server_state's work.
  std::string model_root;  // the model as --model names it
  int64_t created = 0;  // when the server started, in seconds since the epoch
  std::string system_fingerprint;  // of program and model: other answers may come with another
  SamplingParams default_sampling_params;  // what a request that says nothing gets
  std::string tool_call_parser;  // empty: without --enable-auto-tool-choice
  std::string reasoning_parser;  // empty: all text is content
  std::optional<ContentFormat> content_format;  // none: what the chat template wants
  std::shared_ptr<EngineIds> engine_ids = std::make_shared<EngineIds>();  // of what runs
};

// Throws InvalidArgument with the field of `config` that cannot be: a parser that does not exist,
// enable_auto_tool_choice without one, a content format or default_chat_template_kwargs that mean
// nothing. `model`: EngineConfig::model.
ServerState make_server_state(
    AsyncEngine& engine, const ServerConfig& config, const std::string& model
);

// Throws ApiError 404 unless `model` is one of the served names; empty is the first.
void check_model(const ServerState& state, const std::string& model);

}  // namespace quire::server
