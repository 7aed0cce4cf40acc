#include "python/bindings/logits_processor.h"

#include <mutex>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nanobind/ndarray.h>

#include "base/log.h"
#include "quire/error.h"

namespace quire::python {
namespace {

// Objects whose last owner was a thread of the engine. It may hold locks that a thread with the GIL
// waits for, so it never waits for the GIL to let go of them.
class Bin {
 public:
  static Bin& get() {
    static Bin* const bin = new Bin;  // outlives all threads
    return *bin;
  }

  void put(nb::object&& object) {
    if (!object.is_valid()) return;
    const std::lock_guard lock(mutex_);
    objects_.push_back(object.release().ptr());
    // Without a free place for a pending call the next empty() does it.
    if (Py_IsInitialized() != 0 && objects_.size() == 1) Py_AddPendingCall(&empty_pending, nullptr);
  }

  void empty() {
    std::vector<PyObject*> objects;
    {
      const std::lock_guard lock(mutex_);
      objects.swap(objects_);
    }
    for (PyObject* object : objects)
      Py_DECREF(object);
  }

 private:
  static int empty_pending(void*) {
    get().empty();
    return 0;
  }

  std::mutex mutex_;
  std::vector<PyObject*> objects_;
};

void extend(nb::list& list, std::span<const int32_t> token_ids) {
  for (size_t i = nb::len(list); i < token_ids.size(); ++i)
    list.append(token_ids[i]);
}

class PythonLogitsProcessor final : public LogitsProcessor {
 public:
  explicit PythonLogitsProcessor(nb::object function) : function_(std::move(function)) {}

  ~PythonLogitsProcessor() override {
    Bin::get().put(std::move(function_));
    Bin::get().put(std::move(prompt_token_ids_));
    Bin::get().put(std::move(output_token_ids_));
  }

  void apply(
      std::span<const int32_t> prompt_token_ids,
      std::span<const int32_t> output_token_ids,
      std::span<float> logits
  ) override {
    if (Py_IsInitialized() == 0) throw EnvironmentError("The Python interpreter has ended.");
    const nb::gil_scoped_acquire gil;
    std::string failure;
    try {
      if (!prompt_token_ids_.is_valid()) {
        prompt_token_ids_ = nb::list();
        output_token_ids_ = nb::list();
      }
      extend(prompt_token_ids_, prompt_token_ids);
      extend(output_token_ids_, output_token_ids);
      call(logits);
    } catch (const nb::python_error& error) {
      failure = describe(error);
    }
    // Thrown when all that belongs to Python is gone.
    if (!failure.empty()) throw InvalidArgument("logits_processors", failure);
  }

 private:
  void call(std::span<float> logits) {
    using Row = nb::ndarray<nb::numpy, float, nb::ndim<1>>;
    const size_t shape[1] = {logits.size()};
    nb::object row = Row(logits.data(), 1, shape, nb::none()).cast(nb::rv_policy::reference);
    function_(prompt_token_ids_, output_token_ids_, row);
    if (Py_REFCNT(row.ptr()) == 1) return;
    PyErr_SetString(
        PyExc_ValueError,
        "The logits are gone when a logits processor has returned: keep logits.copy() instead."
    );
    throw nb::python_error();
  }

  // "TypeError: text"; the log gets the traceback.
  static std::string describe(const nb::python_error& error) {
    QUIRE_LOG_ERROR("A logits processor failed: {}", error.what());
    const nb::str type = nb::str(error.type().attr("__name__"));
    return fmt::format(
        "A logits processor failed: {}: {}", type.c_str(), nb::str(error.value()).c_str()
    );
  }

  nb::object function_;
  nb::list prompt_token_ids_ = nb::steal<nb::list>(nb::handle());
  nb::list output_token_ids_ = nb::steal<nb::list>(nb::handle());
};

}  // namespace

std::shared_ptr<LogitsProcessor> make_logits_processor(nb::object function) {
  Bin::get().empty();
  return std::make_shared<PythonLogitsProcessor>(std::move(function));
}

}  // namespace quire::python
