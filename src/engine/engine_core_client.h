#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/request.h"
#include "core/scheduler_interface.h"
#include "quire/async_engine.h"

namespace quire {

// The engine's loop as its users see it: requests go in, the outputs of each step come out. In
// process it is a thread with two mailboxes; another process may stand behind it.
class EngineCoreClient {
 public:
  virtual ~EngineCoreClient() = default;
  // The completions of one prompt: nothing comes between them.
  virtual void add_requests(std::vector<std::unique_ptr<Request>> completions) = 0;
  virtual void abort_requests(std::vector<RequestId> ids) = 0;
  virtual bool reset_prefix_cache(bool reset_running_requests) = 0;  // waits for the answer
  // Waits until nothing runs; false: resumed meanwhile, or the engine has ended.
  virtual bool pause(PauseMode mode, bool clear_cache) = 0;
  // A pause that forgets the cache, too, and gives its memory back until resume().
  virtual bool sleep(PauseMode mode) = 0;
  virtual void resume() = 0;  // waits until it has taken effect
  virtual EngineStats stats() const = 0;  // as of the last step

  // Waits for the outputs of a step and swaps them with `outputs` (whose memory is used again).
  // False: the engine has shut down or died, and nothing is left. One reader.
  virtual bool wait_outputs(EngineCoreOutputs& outputs) = 0;
  virtual std::optional<std::string> dead_reason() const = 0;

  // Aborts what runs and stops the loop.
  virtual void shutdown() = 0;
};

}  // namespace quire
