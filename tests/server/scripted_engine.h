#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/handler.h"

namespace quire::test {

// Streams whose outputs a test pushes by hand, from its own thread, in the place of an engine.
class ScriptedEngine {
 public:
  ScriptedEngine();

  // The handler of a route: starts a stream and answers with its text, as one "data:" event per
  // output or, without `is_streaming`, as one response with all of it.
  server::Handler handler(bool is_streaming);

  // Waits until `count` requests have come.
  [[nodiscard]] bool wait_started(size_t count) const;
  // Streams are numbered in the order of their start.
  void push(size_t index, const std::string& text);
  void finish(size_t index);
  // The answer throws when it gets this output.
  void push_poison(size_t index);

  size_t num_started() const;
  size_t num_dropped() const;  // streams that the server has let go of
  size_t num_outputs_read(size_t index) const;
  [[nodiscard]] bool wait_dropped(size_t count) const;  // up to 5 seconds

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace quire::test
