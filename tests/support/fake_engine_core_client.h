#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine_core_client.h"
#include "engine/load_engine.h"

namespace quire::test {

// Candidates for the token after `token_ids`, best first, as a model would rank them.
using FakeModel = std::function<TokenLogprobs(std::span<const int32_t> token_ids)>;

// An engine core without a model. With a FakeModel it serves each request at once, greedily, a
// token a step; without one it collects requests, and the test says what the steps did.
class FakeEngineCoreClient final : public EngineCoreClient {
 public:
  explicit FakeEngineCoreClient(FakeModel model = nullptr) : model_(std::move(model)) {}

  void add_requests(std::vector<std::unique_ptr<Request>> completions) override;
  void abort_requests(std::vector<RequestId> ids) override;
  bool reset_prefix_cache(bool) override { return true; }
  bool pause(PauseMode, bool) override { return true; }
  bool sleep(PauseMode) override { return true; }
  void resume() override {}
  EngineStats stats() const override { return {}; }
  bool wait_outputs(EngineCoreOutputs& outputs) override;
  std::optional<std::string> dead_reason() const override;
  void shutdown() override;

  // What a step did to one request.
  void emit(EngineCoreOutput output, std::vector<int32_t> new_token_ids = {});
  // The loop ends as after an exception in a step.
  void die(const std::string& reason);

  // wait_outputs throws, as when the connection to an engine core elsewhere breaks.
  void break_connection(const std::string& reason);

  // Copies of what came in so far.
  std::vector<Request> added() const;
  std::vector<RequestId> aborted() const;

 private:
  void serve(const Request& request);

  const FakeModel model_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Request> added_;
  std::vector<RequestId> aborted_;
  std::deque<EngineCoreOutputs> steps_;
  std::optional<std::string> dead_reason_;
  std::optional<std::string> connection_error_;
  bool is_closed_ = false;
};

// An engine around `core` with small-chat's tokenizer, chat template and vocabulary. `config` may
// have any wish that the front end looks at.
LoadedEngine load_with_fake_core(
    std::unique_ptr<FakeEngineCoreClient> core, EngineConfig config = {}, int max_model_len = 128
);

// A model that counts: after token t it ranks t + 1, t + 2, …, `num_candidates` of them, with
// logprobs -1, -2, …. Token `stop_after` is followed by the end-of-text token.
FakeModel counting_model(int32_t stop_after, int32_t eos_token_id, int num_candidates = 8);

}  // namespace quire::test
