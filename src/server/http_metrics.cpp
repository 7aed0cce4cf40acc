#include "server/http_metrics.h"

#include <array>
#include <deque>

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace quire::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

const prometheus::Histogram::BucketBoundaries kSeconds = {.1, .5, 1};
const prometheus::Histogram::BucketBoundaries kFineSeconds = {
    .01, .025, .05, .075, .1, .25, .5, .75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60,
};
constexpr int kNumStatusClasses = 6;  // 2 is 2xx

// A summary without quantiles.
struct ByteCounts {
  std::atomic<uint64_t> num_bodies = 0;
  std::atomic<uint64_t> num_bytes = 0;

  void add(size_t bytes) {
    num_bodies.fetch_add(1, std::memory_order_relaxed);
    num_bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
};

}  // namespace

// A route shows what it has answered: its metrics are made with its first answer of a kind.
class HttpMetrics::Handler {
 public:
  std::string method;
  std::string path;
  std::array<std::atomic<prometheus::Counter*>, kNumStatusClasses> requests{};
  std::atomic<prometheus::Histogram*> seconds = nullptr;
  ByteCounts* request_bytes = nullptr;
  ByteCounts* response_bytes = nullptr;
};

struct HttpMetrics::Impl {
  Impl()
      : requests(prometheus::BuildCounter()
                     .Name("http_requests_total")
                     .Help("Total number of requests by method, status and handler.")
                     .Register(registry)),
        seconds(prometheus::BuildHistogram()
                    .Name("http_request_duration_seconds")
                    .Help("Time to the end of the answer, by handler.")
                    .Register(registry)),
        fine_seconds(prometheus::BuildHistogram()
                         .Name("http_request_duration_highr_seconds")
                         .Help("The same with many buckets, of all handlers.")
                         .Register(registry)
                         .Add({}, kFineSeconds)) {}

  static MetricFamily summary(
      const char* name, const char* help, const std::map<std::string, ByteCounts>& counts
  ) {
    MetricFamily family{name, help, prometheus::MetricType::Summary, {}};
    for (const auto& [path, count] : counts) {
      if (count.num_bodies == 0) continue;
      ClientMetric& metric = family.metric.emplace_back();
      metric.label = {{"handler", path}};
      metric.summary.sample_count = count.num_bodies;
      metric.summary.sample_sum = static_cast<double>(count.num_bytes);
    }
    return family;
  }

  // The family gives several threads that ask at once the same metric.
  prometheus::Counter& requests_of(Handler& handler, size_t status_class) {
    std::atomic<prometheus::Counter*>& place = handler.requests[status_class];
    if (place.load() == nullptr) {
      const std::string status = std::to_string(status_class) + "xx";
      place =
          &requests.Add({{"handler", handler.path}, {"method", handler.method}, {"status", status}}
          );
    }
    return *place.load();
  }

  prometheus::Histogram& seconds_of(Handler& handler) {
    if (handler.seconds.load() == nullptr) {
      handler.seconds =
          &seconds.Add({{"handler", handler.path}, {"method", handler.method}}, kSeconds);
    }
    return *handler.seconds.load();
  }

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Family<prometheus::Histogram>& seconds;
  prometheus::Histogram& fine_seconds;
  std::map<std::string, ByteCounts> request_bytes;  // by path
  std::map<std::string, ByteCounts> response_bytes;  // likewise
  std::deque<Handler> handlers;
};

HttpMetrics::HttpMetrics() : impl_(std::make_unique<Impl>()) {}
HttpMetrics::~HttpMetrics() = default;

HttpMetrics::Handler& HttpMetrics::add_handler(const std::string& method, const std::string& path) {
  Handler& handler = impl_->handlers.emplace_back();
  handler.method = method;
  handler.path = path;
  handler.request_bytes = &impl_->request_bytes[path];
  handler.response_bytes = &impl_->response_bytes[path];
  return handler;
}

void HttpMetrics::record(Handler& handler, const Sample& sample) {
  const auto status_class = static_cast<size_t>(sample.status / 100);
  if (status_class > 0 && status_class < kNumStatusClasses)
    impl_->requests_of(handler, status_class).Increment();
  impl_->seconds_of(handler).Observe(sample.seconds);
  impl_->fine_seconds.Observe(sample.seconds);
  handler.request_bytes->add(sample.request_bytes);
  handler.response_bytes->add(sample.response_bytes);
}

std::string HttpMetrics::text() const {
  std::vector<MetricFamily> families = impl_->registry.Collect();
  families.push_back(Impl::summary(
      "http_request_size_bytes", "Bytes of requests' bodies, by handler.", impl_->request_bytes
  ));
  families.push_back(Impl::summary(
      "http_response_size_bytes", "Bytes of answers' bodies, by handler.", impl_->response_bytes
  ));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace quire::server
