#include "quire/metrics.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/bindings/bindings.h"

namespace quire::python {
namespace {

nb::object metric_to_python(const nb::module_& module, const Gauge& gauge) {
  return module.attr("Gauge")(gauge.name, gauge.labels, gauge.value);
}

nb::object metric_to_python(const nb::module_& module, const Counter& counter) {
  return module.attr("Counter")(counter.name, counter.labels, counter.value);
}

nb::object metric_to_python(const nb::module_& module, const Vector& vector) {
  return module.attr("Vector")(vector.name, vector.labels, vector.values);
}

nb::object metric_to_python(const nb::module_& module, const Histogram& histogram) {
  nb::dict buckets;
  for (const auto& [bound, count] : histogram.buckets)
    buckets[bound.c_str()] = count;
  return module.attr("Histogram"
  )(histogram.name, histogram.labels, histogram.count, histogram.sum, buckets);
}

}  // namespace

nb::list metrics_to_python(const std::vector<Metric>& metrics) {
  const nb::module_ module = nb::module_::import_("quire.metrics");
  nb::list list;
  for (const Metric& metric : metrics) {
    list.append(
        std::visit([&](const auto& value) { return metric_to_python(module, value); }, metric)
    );
  }
  return list;
}

}  // namespace quire::python
