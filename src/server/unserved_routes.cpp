#include "server/unserved_routes.h"

#include <array>

#include <fmt/format.h>

#include "server/api_error.h"

namespace quire::server {
namespace {

struct Unserved {
  const char* path;
  const char* needs;  // what it would take
};

constexpr const char* kPoolingModel =
    "a pooling model, and this server has models that generate text. Use an embedding server";
constexpr const char* kAudioModel =
    "a model for audio, and this server takes text. Use a speech server";
constexpr const char* kAdapters =
    "LoRA adapters, which are not there yet. Serve a model with the adapter merged into it";

constexpr std::array kUnserved = {
    Unserved{"/v1/embeddings", kPoolingModel},
    Unserved{"/v2/embed", kPoolingModel},
    Unserved{"/pooling", kPoolingModel},
    Unserved{"/classify", kPoolingModel},
    Unserved{"/score", kPoolingModel},
    Unserved{"/v1/score", kPoolingModel},
    Unserved{"/rerank", kPoolingModel},
    Unserved{"/v1/rerank", kPoolingModel},
    Unserved{"/v2/rerank", kPoolingModel},
    Unserved{"/v1/audio/transcriptions", kAudioModel},
    Unserved{"/v1/audio/translations", kAudioModel},
    Unserved{"/v1/load_lora_adapter", kAdapters},
    Unserved{"/v1/unload_lora_adapter", kAdapters},
};

}  // namespace

std::vector<Route> make_unserved_routes() {
  std::vector<Route> routes;
  for (const Unserved& unserved : kUnserved) {
    const std::string message = fmt::format("{} needs {}.", unserved.path, unserved.needs);
    const auto handler = [message](const HttpRequest&, const CallContext&) -> Reply {
      throw ApiError(404, "NotFoundError", message);
    };
    Route& route = routes.emplace_back();
    route.method = "POST";
    route.path = unserved.path;
    route.handler = handler;
    route.takes_any_body = true;  // audio comes as a form
  }
  return routes;
}

}  // namespace quire::server
