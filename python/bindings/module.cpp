#include "base/log.h"
#include "python/bindings/bindings.h"

NB_MODULE(_quire, m) {
  namespace python = quire::python;
  quire::init_logging();
  m.attr("__version__") = QUIRE_VERSION;
  m.def("engine_fields", &python::engine_fields);
  python::bind_errors(m);
  python::bind_sampling_params(m);
  python::bind_tokenizer(m);
  python::bind_llm(m);
  python::bind_engine(m);
}
