#include "server/dev/dev_routes.h"

#include <utility>

#include "base/json_writer.h"
#include "quire/error.h"
#include "server/api_error.h"
#include "server/calls/engine_request.h"
#include "server/dev/query_parameters.h"
#include "server/dev/server_info.h"
#include "server/requests/request_body.h"

namespace quire::server {
namespace {

using Request = const HttpRequest&;

HttpResponse status_response(std::string_view status) {
  HttpResponse response;
  JsonWriter(response.body, JsonSpacing::kCompact)
      .begin_object()
      .field("status", status)
      .end_object();
  return response;
}

HttpResponse flag_response(const char* name, bool flag) {
  HttpResponse response;
  JsonWriter(response.body, JsonSpacing::kCompact).begin_object().field(name, flag).end_object();
  return response;
}

// The state of the engine is in the way; nothing happened.
[[noreturn]] void throw_conflict(const char* sentence) {
  throw ApiError(409, "ConflictError", sentence);
}

Reply reset_prefix_cache(AsyncEngine& engine, Request request) {
  const bool reset_running = query_flag(request, "reset_running_requests", false);
  if (query_flag(request, "reset_external", false)) {
    throw InvalidArgument("reset_external", "There is no external cache: leave it away.");
  }
  if (!engine.reset_prefix_cache(reset_running)) {
    throw_conflict(
        "Running requests use cached blocks, so nothing was forgotten. Wait until they have ended, "
        "or call it with reset_running_requests=true."
    );
  }
  return HttpResponse{.body = "{}"};
}

Reply abort_listed(const ServerState& state, Request request) {
  const JsonBody json(request.body, BodyStyle::kPath);
  const RequestValue body = json.value();
  body.required("request_ids");
  const auto request_ids = body.array("request_ids");
  for (const simdjson::dom::element entry : *request_ids) {
    std::string_view id;
    if (entry.get(id) != simdjson::SUCCESS) body.fail("request_ids", "must be a list of strings");
    abort_requests(state, std::string(id));
  }
  return HttpResponse{.body = "{}"};
}

PauseMode pause_mode(Request request) {
  const std::string_view mode = query_choice(request, "mode", {"abort", "wait", "keep"});
  if (mode == "wait") return PauseMode::kWait;
  return mode == "keep" ? PauseMode::kKeep : PauseMode::kAbort;
}

Reply pause(AsyncEngine& engine, Request request) {
  const bool waits = query_flag(request, "wait_for_inflight_requests", false);
  const PauseMode mode = waits ? PauseMode::kWait : pause_mode(request);
  if (!engine.pause_generation(mode, query_flag(request, "clear_cache", true))) {
    throw_conflict("The engine was resumed meanwhile, or has ended: it is not paused.");
  }
  return status_response("paused");
}

Reply resume(AsyncEngine& engine, Request) {
  engine.resume_generation();
  return status_response("resumed");
}

Reply is_paused(AsyncEngine& engine, Request) {
  return flag_response("is_paused", engine.is_paused());
}

Reply sleep(AsyncEngine& engine, Request request) {
  const std::string_view level = query_choice(request, "level", {"1", "0", "2"});
  if (!engine.sleep(level.front() - '0', pause_mode(request))) {
    throw_conflict("The engine was woken meanwhile, or has ended: it does not sleep.");
  }
  return HttpResponse{.body = "{}"};
}

Reply wake_up(AsyncEngine& engine, Request request) {
  if (request.query.contains("tags")) {
    throw InvalidArgument("tags", "Weights and KV cache wake up together: leave it away.");
  }
  engine.wake_up();
  return HttpResponse{.body = "{}"};
}

Reply is_sleeping(AsyncEngine& engine, Request) {
  return flag_response("is_sleeping", engine.is_sleeping());
}

}  // namespace

std::vector<Route> make_dev_routes(const ServerState& state) {
  if (!state.config.enable_dev_endpoints) return {};
  AsyncEngine& engine = state.engine;
  using Operation = Reply (*)(AsyncEngine&, Request);
  const auto call = [&engine](Operation operation) -> Handler {
    return [&engine, operation](Request request, const CallContext&) {
      return operation(engine, request);
    };
  };
  const Handler server_info = [&state](Request request, const CallContext&) {
    const std::string_view format = query_choice(request, "config_format", {"text", "json"});
    return Reply(HttpResponse{.body = server_info_json(state, format)});
  };
  const Handler abort = [&state](Request request, const CallContext&) {
    return abort_listed(state, request);
  };
  return {
      {"POST", "/reset_prefix_cache", call(reset_prefix_cache), /*may_block=*/true},
      {"POST", "/abort_requests", abort},
      {"POST", "/pause", call(pause), /*may_block=*/true},
      {"POST", "/resume", call(resume)},
      {"GET", "/is_paused", call(is_paused)},
      {"POST", "/sleep", call(sleep), /*may_block=*/true},
      {"POST", "/wake_up", call(wake_up), /*may_block=*/true},
      {"GET", "/is_sleeping", call(is_sleeping)},
      {"GET", "/server_info", server_info},
  };
}

}  // namespace quire::server
