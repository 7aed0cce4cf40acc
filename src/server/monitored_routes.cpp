#include "server/monitored_routes.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "server/api_error.h"
#include "server/health_routes.h"
#include "server/load_report.h"
#include "server/request_log.h"

namespace quire::server {
namespace {

constexpr int kClientGone = 499;  // no answer was ever made
constexpr int kTooManyRequests = 429;
constexpr const char* kRetryAfterSeconds = "1";

// As in vLLM, what asks for the server's own state is not counted.
constexpr std::array<std::string_view, 6> kUncounted = {
    "/metrics", "/health", "/load", "/ping", "/version", "/server_info"};
constexpr std::array<std::string_view, 5> kGenerating = {
    "/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages", "/invocations"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& paths, std::string_view path) {
  return std::ranges::find(paths, path) != paths.end();
}

// One call, until its answer has ended.
class Call {
 public:
  Call(Monitoring& monitoring, HttpMetrics::Handler& handler, const HttpRequest& request)
      : monitoring_(monitoring), handler_(handler) {
    sample_.request_bytes = request.body.size();
  }

  void end(int status, size_t response_bytes) {
    sample_.status = status;
    sample_.response_bytes = response_bytes;
    sample_.seconds = monotonic_time() - start_;
    monitoring_.http.record(handler_, sample_);
  }

 private:
  Monitoring& monitoring_;
  HttpMetrics::Handler& handler_;
  HttpMetrics::Sample sample_;
  const double start_ = monotonic_time();
};

// An answer that is counted when it ends, or is given up.
class MonitoredAnswer final : public Answer {
 public:
  MonitoredAnswer(
      Generation& generation, Monitoring& monitoring, const HttpRequest& request, const Call& call
  )
      : answer_(std::move(generation.answer)),
        monitoring_(monitoring),
        call_(call),
        status_(generation.is_streaming ? 200 : kClientGone) {
    add_load_report(request, monitoring.engine, load_headers_);
    if (generation.is_streaming) {
      std::ranges::move(load_headers_, std::back_inserter(generation.headers));
      load_headers_.clear();
    }
    if (monitoring.config.enable_log_outputs) log_.emplace(monitoring.config, request.request_id);
    ++monitoring_.num_generations;
  }

  ~MonitoredAnswer() override {
    --monitoring_.num_generations;
    call_.end(status_, num_bytes_);
  }

  void add(int index, RequestOutput output, std::string& events) override {
    if (log_) log_->add(index, output);
    const size_t before = events.size();
    answer_->add(index, std::move(output), events);
    num_bytes_ += events.size() - before;
  }

  void fail(const ErrorInfo& error, std::string* events) override {
    if (events == nullptr) status_ = error.status;
    const size_t before = events == nullptr ? 0 : events->size();
    answer_->fail(error, events);
    if (events != nullptr) num_bytes_ += events->size() - before;
  }

  HttpResponse finish(std::string& events) override {
    const size_t before = events.size();
    HttpResponse response = answer_->finish(events);
    num_bytes_ += events.size() - before + response.body.size();
    if (status_ == kClientGone) status_ = response.status;
    std::ranges::move(load_headers_, std::back_inserter(response.headers));
    return response;
  }

 private:
  std::unique_ptr<Answer> answer_;
  Monitoring& monitoring_;
  Call call_;
  int status_;
  size_t num_bytes_ = 0;
  Headers load_headers_;  // of an answer that is one response
  std::optional<OutputLog> log_;
};

// The handler around another one.
class MonitoredHandler {
 public:
  MonitoredHandler(const Route& route, Monitoring& monitoring)
      : inner_(route.handler),
        monitoring_(monitoring),
        metrics_(monitoring.http.add_handler(route.method, route.path)),
        error_format_(route.error_format),
        is_generating_(route.method == "POST" && is_one_of(kGenerating, route.path)) {}

  Reply operator()(const HttpRequest& request, const CallContext& context) const {
    Call call(monitoring_, metrics_, request);
    if (is_generating_) {
      if (monitoring_.config.enable_log_requests) log_request(monitoring_.config, request);
      if (auto refusal = refusal_now(request)) return end(call, request, std::move(*refusal));
    }
    try {
      Reply reply = inner_(request, context);
      if (auto* response = std::get_if<HttpResponse>(&reply))
        return end(call, request, std::move(*response));
      auto& generation = std::get<Generation>(reply);
      generation.answer = std::make_unique<MonitoredAnswer>(generation, monitoring_, request, call);
      return reply;
    } catch (const std::exception& error) {
      const HttpResponse response =
          error_response(describe(error), error_format_, request.request_id);
      call.end(response.status, response.body.size());
      throw;
    }
  }

 private:
  std::optional<HttpResponse> refusal_now(const HttpRequest& request) const {
    if (!monitoring_.admission.is_limited()) return std::nullopt;
    const auto reason = monitoring_.admission.refusal(monitoring_.engine.stats());
    if (!reason) return std::nullopt;
    const ErrorInfo error{kTooManyRequests, "RateLimitError", *reason, std::nullopt};
    HttpResponse response = error_response(error, error_format_, request.request_id);
    response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
    return response;
  }

  HttpResponse end(Call& call, const HttpRequest& request, HttpResponse response) const {
    if (is_generating_) add_load_report(request, monitoring_.engine, response.headers);
    call.end(response.status, response.body.size());
    return response;
  }

  Handler inner_;
  Monitoring& monitoring_;
  HttpMetrics::Handler& metrics_;
  ErrorFormat error_format_;
  bool is_generating_;
};

}  // namespace

std::vector<Route> monitor_routes(std::vector<Route> routes, Monitoring& monitoring) {
  std::ranges::move(make_health_routes(monitoring), std::back_inserter(routes));
  for (Route& route : routes) {
    if (!is_one_of(kUncounted, route.path)) route.handler = MonitoredHandler(route, monitoring);
  }
  return routes;
}

}  // namespace quire::server
