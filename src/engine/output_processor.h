#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/request_state.h"

namespace quire {

// Knows the living requests and hands each its outputs. The output thread calls process(); any
// thread may add and abort.
class OutputProcessor {
 public:
  OutputProcessor(std::shared_ptr<const Tokenizer> tokenizer, int stream_interval);

  // Call it before the requests go to the engine core. Throws InvalidArgument (field "request_id")
  // when the id is in use, InternalError after close().
  std::shared_ptr<RequestState> add(
      std::string request_id, ProcessedInput& input, const AddRequestOptions& options = {}
  );

  // Hands out what a step did, and says what that was; valid until the next call. Ids that ended
  // here, while the engine core goes on with them, are appended to `to_abort`. Requests that are
  // not known (any more) are passed over.
  const IterationStats& process(EngineCoreOutputs& outputs, std::vector<RequestId>& to_abort);

  // Ends the request with reason "abort"; the ids the engine core must forget.
  [[nodiscard]] std::vector<RequestId> abort(const std::string& request_id);
  [[nodiscard]] std::vector<RequestId> abort(RequestState& state);

  // Ends all requests, with reason "error" if one is given; the ids the engine core must forget.
  [[nodiscard]] std::vector<RequestId> abort_all(const std::optional<std::string>& error);

  struct Load {
    int num_unfinished = 0;  // completions
    int64_t num_pending_prompt_tokens = 0;  // of those without a token yet
  };
  Load load() const;

  // Ends all requests and refuses new ones; the ids the engine core must forget, if it still runs.
  // `error`: why the engine died; nullopt: it was shut down.
  std::vector<RequestId> close(const std::optional<std::string>& error);
  // What close() was told.
  std::optional<std::string> close_error() const;

 private:
  struct Target {
    std::shared_ptr<RequestState> state;
    int index = 0;  // which of its completions
    int num_pending_prompt_tokens = 0;  // 0 from its first token on
  };

  void erase_target(std::unordered_map<RequestId, Target>::iterator place);
  std::vector<RequestId> forget_all(
      std::unordered_map<std::string, std::shared_ptr<RequestState>>& states
  );
  void find_targets(const EngineCoreOutputs& outputs);
  // False: it was not there any more.
  [[nodiscard]] bool forget_completion(RequestId id, const Target& target, bool request_finished);
  // The ids of its completions that were still alive.
  std::vector<RequestId> forget_request(const RequestState& state);
  // The end of a step, on both clocks.
  struct StepTime {
    double wall;
    double monotonic;
  };
  void deliver(
      const Target& target,
      const EngineCoreOutput& output,
      std::span<const int32_t> new_token_ids,
      const StepTime& time,
      std::vector<RequestId>& to_abort
  );

  const std::shared_ptr<const Tokenizer> tokenizer_;
  const int stream_interval_;
  mutable std::mutex
      mutex_;  // guards all below; may be locked while a request's own is, never before it
  std::unordered_map<RequestId, Target> targets_;
  std::unordered_map<std::string, std::shared_ptr<RequestState>> states_;
  int64_t num_pending_prompt_tokens_ = 0;  // sum of the targets'
  bool is_closed_ = false;
  std::optional<std::string> close_error_;

  IterationStats stats_;  // of process() alone, like the next
  std::vector<Target> found_;  // [outputs of the step], none where unknown
};

}  // namespace quire
