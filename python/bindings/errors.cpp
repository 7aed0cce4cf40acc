#include "python/bindings/bindings.h"
#include "quire/error.h"

namespace quire::python {

// InvalidArgument is Python's ValueError, EnvironmentError its OSError, InternalError its
// RuntimeError.
void bind_errors(nb::module_&) {
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const InvalidArgument& bad) {
      PyErr_SetString(PyExc_ValueError, bad.what());
    } catch (const EnvironmentError& bad) {
      PyErr_SetString(PyExc_OSError, bad.what());
    } catch (const InternalError& bad) {
      PyErr_SetString(PyExc_RuntimeError, bad.what());
    }
  });
}

}  // namespace quire::python
