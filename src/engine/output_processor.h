#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/request_state.h"
#include "engine/stats_logger.h"

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

  // Hands out what a step did, and counts it. Ids that ended here, while the engine core goes on
  // with them, are appended to `to_abort`. Requests that are not known (any more) are passed over.
  TokenCounts process(const EngineCoreOutputs& outputs, std::vector<RequestId>& to_abort);

  // Ends the request with reason "abort"; the ids the engine core must forget.
  [[nodiscard]] std::vector<RequestId> abort(const std::string& request_id);
  [[nodiscard]] std::vector<RequestId> abort(RequestState& state);

  // Ends all requests and refuses new ones; the ids the engine core must forget, if it still runs.
  // `error`: why the engine died; nullopt: it was shut down.
  std::vector<RequestId> close(const std::optional<std::string>& error);
  // What close() was told.
  std::optional<std::string> close_error() const;

 private:
  struct Target {
    std::shared_ptr<RequestState> state;
    int index = 0;  // which of its completions
  };

  void find_targets(const EngineCoreOutputs& outputs);
  void forget_completion(RequestId id, const Target& target, bool request_finished);
  // The ids of its completions that were still alive.
  std::vector<RequestId> forget_request(const RequestState& state);
  TokenCounts deliver(
      const Target& target,
      const EngineCoreOutput& output,
      std::span<const int32_t> new_token_ids,
      double now,
      std::vector<RequestId>& to_abort
  );

  const std::shared_ptr<const Tokenizer> tokenizer_;
  const int stream_interval_;
  mutable std::mutex
      mutex_;  // guards all below; may be locked while a request's own is, never before it
  std::unordered_map<RequestId, Target> targets_;
  std::unordered_map<std::string, std::shared_ptr<RequestState>> states_;
  bool is_closed_ = false;
  std::optional<std::string> close_error_;

  std::vector<Target> found_;  // of process() alone: [outputs of the step], none where unknown
};

}  // namespace quire
