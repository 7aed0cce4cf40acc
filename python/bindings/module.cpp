#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include "base/log.h"
#include "python/bindings/bindings.h"

namespace {

// Keeps an object for the rest of the process: in a forked child the threads of an engine are not
// there, and its destructor would wait for them for ever.
void keep_forever(nanobind::handle object) {
  nanobind::set_leak_warnings(false);
  object.inc_ref();
}

}  // namespace

NB_MODULE(_quire, m) {
  namespace python = quire::python;
  quire::init_logging();
  m.attr("__version__") = QUIRE_VERSION;
  m.def("engine_fields", &python::engine_fields);
  m.def("foreign_option", &python::foreign_option, nanobind::arg("name"));
  m.def("keep_forever", &keep_forever, nanobind::arg("object"));
  python::bind_errors(m);
  python::bind_sampling_params(m);
  python::bind_tokenizer(m);
  python::bind_llm(m);
  python::bind_engine(m);
  python::bind_migration(m);
}
