#include <condition_variable>
#include <mutex>
#include <utility>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "python/bindings/bindings.h"
#include "python/bindings/prompt.h"
#include "python/bindings/sampling_params.h"
#include "quire/async_engine.h"
#include "quire/error.h"
#include "quire/tokenizer.h"

namespace quire::python {
namespace {

// The requests that have something to read: filled by the output thread, taken by the thread that
// runs Python's event loop or steps. The eventfd is readable while the list is not empty, so one
// wake-up serves all requests of a step.
class ReadyQueue {
 public:
  ReadyQueue() : eventfd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (eventfd_ < 0) throw EnvironmentError("eventfd failed: too many open files?");
  }
  ~ReadyQueue() { close(eventfd_); }
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  int fd() const { return eventfd_; }

  void add(int64_t key) {
    const std::lock_guard lock(mutex_);
    if (keys_.empty()) eventfd_write(eventfd_, 1);
    keys_.push_back(key);
    not_empty_.notify_one();
  }

  std::vector<int64_t> take() {
    const std::lock_guard lock(mutex_);
    return take_locked();
  }

  // Waits at most `seconds`.
  std::vector<int64_t> wait(double seconds) {
    std::unique_lock lock(mutex_);
    not_empty_.wait_for(lock, std::chrono::duration<double>(seconds), [&] {
      return !keys_.empty();
    });
    return take_locked();
  }

 private:
  std::vector<int64_t> take_locked() {
    eventfd_t count = 0;
    if (!keys_.empty()) eventfd_read(eventfd_, &count);
    return std::exchange(keys_, {});
  }

  const int eventfd_;
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::vector<int64_t> keys_;
};

// A request's outputs for Python.
class OutputReader {
 public:
  explicit OutputReader(std::shared_ptr<RequestStream> stream) : stream_(std::move(stream)) {}

  nb::object try_next() {
    std::optional<RequestOutput> output = stream_->try_next();
    return output ? to_python(std::move(*output), prompt_) : nb::none();
  }
  bool finished() const { return stream_->finished(); }

 private:
  std::shared_ptr<RequestStream> stream_;
  PromptObjects prompt_;
};

// An engine whose requests are known to Python by a number.
class NativeEngine {
 public:
  explicit NativeEngine(const EngineConfig& config)
      : ready_(std::make_shared<ReadyQueue>()), engine_(config) {}

  // Its threads may want the GIL while they end.
  ~NativeEngine() {
    const nb::gil_scoped_release release;
    engine_.shutdown();
  }
  NativeEngine(const NativeEngine&) = delete;
  NativeEngine& operator=(const NativeEngine&) = delete;

  AsyncEngine& engine() { return engine_; }
  ReadyQueue& ready() { return *ready_; }

  std::shared_ptr<RequestStream> add_request(
      int64_t key,
      const std::string& request_id,
      const Prompt& prompt,
      const SamplingParams& params,
      int priority
  ) {
    AddRequestOptions options{.priority = priority};
    options.on_output = [ready = ready_, key] { ready->add(key); };
    return engine_.add_request(request_id, prompt, params, options);
  }

 private:
  const std::shared_ptr<ReadyQueue> ready_;  // callbacks may outlive the engine's owner by a moment
  AsyncEngine engine_;
};

using Release = nb::call_guard<nb::gil_scoped_release>;

void bind_requests(nb::class_<NativeEngine>& engine) {
  engine
      .def(
          "add_request",
          [](NativeEngine& self,
             int64_t key,
             const std::string& request_id,
             nb::handle prompt,
             const PySamplingParams& params,
             int priority,
             nb::handle custom) {
            const Prompt read = read_prompt(prompt);
            const SamplingParams known = engine_params(params, custom);
            const nb::gil_scoped_release release;
            return OutputReader(self.add_request(key, request_id, read, known, priority));
          },
          nb::arg("key"),
          nb::arg("request_id"),
          nb::arg("prompt"),
          nb::arg("params"),
          nb::arg("priority"),
          nb::arg("custom")
      )
      .def(
          "abort",
          [](NativeEngine& self, const std::string& id) { self.engine().abort(id); },
          Release()
      )
      .def("ready_fd", [](NativeEngine& self) { return self.ready().fd(); })
      .def("take_ready", [](NativeEngine& self) { return self.ready().take(); })
      .def(
          "wait_ready",
          [](NativeEngine& self, double seconds) { return self.ready().wait(seconds); },
          Release()
      )
      .def(
          "render_chat",
          [](NativeEngine& self,
             const std::string& request,
             const std::optional<std::string>& chat_template) {
            return render_chat_request(self.engine(), request, chat_template);
          },
          nb::arg("request"),
          nb::arg("chat_template").none(),
          Release()
      )
      .def("default_sampling_params", [](NativeEngine& self) {
        return PySamplingParams(self.engine().default_sampling_params());
      });
}

void bind_state(nb::class_<NativeEngine>& engine) {
  engine
      .def(
          "reset_prefix_cache",
          [](NativeEngine& self, bool reset_running_requests) {
            return self.engine().reset_prefix_cache(reset_running_requests);
          },
          Release()
      )
      .def(
          "pause",
          [](NativeEngine& self, const std::string& mode, bool clear_cache) {
            return self.engine().pause_generation(pause_mode_from(mode), clear_cache);
          },
          Release()
      )
      .def(
          "resume", [](NativeEngine& self) { self.engine().resume_generation(); }, Release()
      )
      .def(
          "sleep",
          [](NativeEngine& self, int level, const std::string& mode) {
            return self.engine().sleep(level, pause_mode_from(mode));
          },
          Release()
      )
      .def(
          "wake_up", [](NativeEngine& self) { self.engine().wake_up(); }, Release()
      )
      .def("is_sleeping", [](NativeEngine& self) { return self.engine().is_sleeping(); })
      .def("is_paused", [](NativeEngine& self) { return self.engine().is_paused(); })
      .def("tokenizer", [](NativeEngine& self) { return self.engine().tokenizer(); })
      .def("max_model_len", [](NativeEngine& self) { return self.engine().max_model_len(); })
      .def(
          "num_unfinished_requests",
          [](NativeEngine& self) { return self.engine().stats().num_unfinished_reqs; }
      )
      .def("max_num_seqs", [](NativeEngine& self) { return self.engine().max_num_seqs(); })
      .def("dead_reason", [](NativeEngine& self) { return self.engine().dead_reason(); })
      .def("uses_v0", [](NativeEngine& self) { return self.engine().stats().uses_v0; })
      .def("metrics", [](NativeEngine& self) { return metrics_to_python(self.engine().metrics()); })
      .def(
          "shutdown", [](NativeEngine& self) { self.engine().shutdown(); }, Release()
      );
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<OutputReader>(m, "RequestStream")
      .def("try_next", &OutputReader::try_next)
      .def("finished", &OutputReader::finished);
  nb::class_<NativeEngine> engine(m, "NativeEngine");
  engine.def("__init__", [](NativeEngine* self, const nb::dict& kwargs) {
    const EngineConfig config = engine_config_from(kwargs);
    const nb::gil_scoped_release release;
    new (self) NativeEngine(config);
  });
  bind_requests(engine);
  bind_state(engine);
}

}  // namespace quire::python
