#include "server/server_state.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "base/clock.h"
#include "quire/error.h"
#include "server/api_error.h"
#include "server/message_parser.h"

namespace quire::server {
namespace {

void check_parser(
    const std::string& name, const std::vector<std::string>& known, const char* field
) {
  if (std::ranges::find(known, name) != known.end()) return;
  throw InvalidArgument(
      field,
      fmt::format("{} '{}' does not exist. There are: {}.", field, name, fmt::join(known, ", "))
  );
}

// Without the switch, calls in the text stay text.
std::string tool_call_parser_of(const ServerConfig& config) {
  if (config.tool_call_parser) {
    check_parser(*config.tool_call_parser, tool_call_parser_names(), "tool_call_parser");
  }
  if (!config.enable_auto_tool_choice) return {};
  if (!config.tool_call_parser) {
    throw InvalidArgument(
        "enable_auto_tool_choice", "--enable-auto-tool-choice requires --tool-call-parser"
    );
  }
  return *config.tool_call_parser;
}

std::string reasoning_parser_of(const ServerConfig& config) {
  if (!config.reasoning_parser || config.reasoning_parser->empty()) return {};
  check_parser(*config.reasoning_parser, reasoning_parser_names(), "reasoning_parser");
  return *config.reasoning_parser;
}

std::optional<ContentFormat> content_format_of(const ServerConfig& config) {
  const std::string& name = config.chat_template_content_format;
  if (name == "auto") return std::nullopt;
  if (name == "string") return ContentFormat::kString;
  if (name == "openai") return ContentFormat::kOpenAi;
  throw InvalidArgument(
      "chat_template_content_format",
      fmt::format("chat_template_content_format must be auto, string or openai, got '{}'.", name)
  );
}

void check_template_kwargs(const ServerConfig& config) {
  simdjson::dom::parser parser;
  simdjson::dom::object kwargs;
  const auto& json = config.default_chat_template_kwargs;
  if (!json || parser.parse(*json).get(kwargs) == simdjson::SUCCESS) return;
  throw InvalidArgument(
      "default_chat_template_kwargs",
      "default_chat_template_kwargs must be a JSON object like {\"enable_thinking\": false}."
  );
}

// The same as long as program and model are.
std::string fingerprint_of(const AsyncEngine& engine, const std::string& model) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (const char c : fmt::format("{} {} {}", model, engine.max_model_len(), engine.vocab_size()))
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return fmt::format("quire-{}-tp1-{:08x}", QUIRE_VERSION, hash);
}

}  // namespace

ServerState make_server_state(
    AsyncEngine& engine, const ServerConfig& config, const std::string& model
) {
  check_template_kwargs(config);
  ServerState state{.engine = engine, .config = config};
  state.model_names = config.served_model_name;
  if (state.model_names.empty()) state.model_names.push_back(model);
  state.model_root = model;
  state.created = static_cast<int64_t>(wall_time());
  state.system_fingerprint = fingerprint_of(engine, model);
  state.default_sampling_params = engine.default_sampling_params();
  state.tool_call_parser = tool_call_parser_of(config);
  state.reasoning_parser = reasoning_parser_of(config);
  state.content_format = content_format_of(config);
  return state;
}

void check_model(const ServerState& state, const std::string& model) {
  if (model.empty() || std::ranges::find(state.model_names, model) != state.model_names.end()) {
    return;
  }
  throw ApiError(
      404, "NotFoundError", fmt::format("The model `{}` does not exist.", model), "model"
  );
}

}  // namespace quire::server
