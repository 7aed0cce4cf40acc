#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "core/scheduler_interface.h"
#include "engine/completion_state.h"
#include "engine/input_processor.h"
#include "engine/pending_outputs.h"
#include "engine/reader_callback.h"
#include "engine/request_stats.h"
#include "quire/async_engine.h"

namespace quire {

// What an update ended.
struct UpdateResult {
  bool completion_finished = false;
  bool request_finished = false;  // that was the last completion
  bool engine_core_goes_on = false;  // a stop string ended it, which the core does not know
  std::optional<FinishReason> finish_reason;  // of a completion that finished
};

// A request between the output thread, which feeds it, and its reader. An output is made when the
// reader takes it, so a slow reader gets what has gathered, and nothing is copied in vain.
class RequestState final : public RequestStream {
 public:
  // `stream_interval`: tokens between two outputs.
  RequestState(
      std::string request_id,
      ProcessedInput& input,  // its requests are left alone
      std::shared_ptr<const Tokenizer> tokenizer,
      int stream_interval,
      const AddRequestOptions& options = {}
  );

  // Takes what a step did to completion `index`; nothing behind finish(). `now`: wall time.
  // `on_finished` is called when that ended the completion, before the reader can know; it must not
  // call this object.
  [[nodiscard]] UpdateResult update(
      int index,
      const EngineCoreOutput& output,
      std::span<const int32_t> new_token_ids,
      double now,
      FunctionRef<void(const UpdateResult&)> on_finished = [](const UpdateResult&) {}
  );
  // Ends all completions that still run.
  void finish(FinishReason reason, std::optional<std::string> error, double now);

  // Nobody is told of outputs any more. Waits for a call of on_output on another thread.
  void drop_reader() { on_output_.detach(); }

  bool ended() const;  // nothing more will come; the last output may still be waiting
  RequestStats& stats() { return stats_; }  // of the output thread alone
  // Of the engine core, one per completion.
  const std::vector<RequestId>& core_ids() const { return core_ids_; }

  std::optional<RequestOutput> next() override;
  std::optional<RequestOutput> try_next() override;
  bool finished() const override;
  const std::string& request_id() const override { return request_id_; }

 private:
  bool is_due(const CompletionState& completion) const;
  void record_events(int index, const EngineCoreOutput& output, double now);
  void add_output(int index);
  void wake_reader(bool becomes_readable);
  void append_prompt_logprobs(const std::vector<TokenLogprobs>& logprobs);
  bool all_completions_finished() const;
  RequestOutput take_output();
  void take_completions(RequestOutput& out);
  void take_prompt(RequestOutput& out);

  const std::string request_id_;
  const std::optional<std::string> prompt_;
  const std::vector<int32_t> prompt_token_ids_;
  const RequestOutputKind output_kind_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  const int stream_interval_;
  const double arrival_monotonic_time_;
  std::vector<RequestId> core_ids_;
  RequestStats stats_;
  ReaderCallback on_output_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable ready_;
  std::vector<CompletionState> completions_;  // [n]
  std::optional<PendingOutputs> pending_;  // none: an output is what has come when it is taken
  std::vector<int> num_preemptions_;  // [n]
  std::optional<std::vector<PositionLogprobs>> prompt_logprobs_;
  RequestMetrics metrics_;
  int num_cached_tokens_ = 0;
  std::optional<std::string> error_;
  bool has_output_ = false;  // next() need not wait
  bool end_is_due_ = false;  // that output is the last one, or it was handed out
  bool prompt_was_sent_ = false;  // of a delta stream
  bool end_was_sent_ = false;
};

}  // namespace quire
