#include "server/load_report.h"

#include <fmt/format.h>

namespace quire::server {
namespace {

constexpr std::string_view kAsked = "endpoint-load-metrics-format";
constexpr const char* kAnswer = "endpoint-load-metrics";

std::string text_report(const EngineStats& stats) {
  return fmt::format(
      "TEXT named_metrics.kv_cache_usage_perc={},named_metrics.num_requests_waiting={}",
      stats.kv_cache_usage,
      stats.num_waiting_reqs
  );
}

std::string json_report(const EngineStats& stats) {
  return fmt::format(
      R"(JSON {{"named_metrics": {{"kv_cache_usage_perc": {}, "num_requests_waiting": {}}}}})",
      stats.kv_cache_usage,
      stats.num_waiting_reqs
  );
}

}  // namespace

void add_load_report(const HttpRequest& request, const AsyncEngine& engine, Headers& headers) {
  const std::string* format = request.find_header(kAsked);
  if (format == nullptr) return;
  const bool wants_text = *format == "TEXT" || *format == "text";
  const bool wants_json = *format == "JSON" || *format == "json";
  if (!wants_text && !wants_json) return;
  const EngineStats stats = engine.stats();
  headers.emplace_back(kAnswer, wants_text ? text_report(stats) : json_report(stats));
}

}  // namespace quire::server
