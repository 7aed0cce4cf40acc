#include "bench/serve/serve_target.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/clock.h"
#include "base/env.h"
#include "client/api_call.h"
#include "hub/model_dir.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr std::chrono::milliseconds kRetryDelay{200};

// What /v1/models says of one model.
struct ModelCard {
  std::string id;
  std::string root;
  std::optional<int> max_model_len;
};

std::vector<ModelCard> parse_models(const std::string& json, const std::string& url) {
  simdjson::dom::parser parser;
  simdjson::dom::array models;
  if (parser.parse(json)["data"].get(models) != simdjson::SUCCESS) {
    throw EnvironmentError(url + "/models is no list of models: is this an OpenAI server?");
  }
  std::vector<ModelCard> cards;
  for (const simdjson::dom::element model : models) {
    ModelCard& card = cards.emplace_back();
    std::string_view text;
    if (model["id"].get(text) == simdjson::SUCCESS) card.id = text;
    if (model["root"].get(text) == simdjson::SUCCESS) card.root = text;
    int64_t length = 0;
    if (model["max_model_len"].get(length) == simdjson::SUCCESS && length > 0) {
      card.max_model_len = static_cast<int>(std::min<int64_t>(length, 1 << 30));
    }
  }
  return cards;
}

std::vector<ModelCard> ask_models(const ServeOptions& options, const ServeTarget& target) {
  // The paths of the API stand behind /v1, whatever else the base has before it.
  const std::string url = target.base_url.to_string() + "/v1";
  client::ApiCaller caller(url, target.api_key);
  const double limit = monotonic_time() + options.ready_check_timeout_sec;
  while (true) {
    try {
      const client::ApiResponse response = caller.get("/models");
      if (response.status == 200) return parse_models(response.body, url);
      if (response.status < 500 || monotonic_time() >= limit) {
        throw InvalidArgument("--base-url", url + "/models: " + client::error_message(response));
      }
    } catch (const EnvironmentError&) {
      if (monotonic_time() >= limit) throw;
    }
    std::this_thread::sleep_for(kRetryDelay);
  }
}

const ModelCard* find_card(const std::vector<ModelCard>& cards, const std::string& name) {
  for (const ModelCard& card : cards) {
    if (card.id == name) return &card;
  }
  return nullptr;
}

std::string tokenizer_name(
    const ServeOptions& options, const ServeTarget& target, const ModelCard* card
) {
  if (options.tokenizer) return *options.tokenizer;
  if (options.model) return *options.model;
  if (card != nullptr && std::filesystem::is_directory(card->root)) return card->root;
  return target.model;
}

PromptSource load_source(const std::string& name, const ModelCard* card) {
  PromptSource source;
  try {
    source.tokenizer = Tokenizer::from_dir(resolve_model_dir(name, {.tokenizer_only = true}));
  } catch (const std::exception& error) {
    throw InvalidArgument(
        "--tokenizer",
        fmt::format("{} Name the model's folder or repository with --tokenizer.", error.what())
    );
  }
  source.vocab_size = source.tokenizer->vocab_size();
  if (card != nullptr && card->max_model_len) source.max_model_len = *card->max_model_len;
  return source;
}

}  // namespace

FoundTarget find_target(const ServeOptions& options) {
  ServeTarget target;
  target.base_url = client::parse_url(
      "--base-url",
      options.base_url ? *options.base_url : fmt::format("http://{}:{}", options.host, options.port)
  );
  // "http://host/v1" is what other clients are told.
  if (options.endpoint.starts_with("/v1/") && target.base_url.path.ends_with("/v1")) {
    target.base_url.path.resize(target.base_url.path.size() - 3);
  }
  target.api_key = options.api_key ? options.api_key : env::openai_api_key();
  const std::vector<ModelCard> cards = ask_models(options, target);
  const auto& wanted = options.served_model_name ? options.served_model_name : options.model;
  if (!wanted && cards.empty()) throw InvalidArgument("--model", "The server names no model.");
  target.model = wanted ? *wanted : cards.front().id;
  target.model_id = options.model.value_or(target.model);
  const ModelCard* card = find_card(cards, target.model);
  target.tokenizer_id = tokenizer_name(options, target, card);
  return {target, load_source(target.tokenizer_id, card)};
}

}  // namespace quire::bench
