#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "engine/engine_core_client.h"

namespace quire::bench {

// What became of one request of a pass. Times are monotonic seconds.
struct RequestRecord {
  double arrival_time = 0.0;
  std::vector<int32_t> output_token_ids;
  std::vector<double> token_times;  // [num output tokens], the ends of the steps that made them
  bool is_finished = false;
};

// Watches what goes into an engine core and what comes out. One thread adds requests, another one
// reads outputs, as AsyncEngine does.
class RequestRecorder {
 public:
  // Forgets the last pass; `number` requests will come.
  void begin_pass(int number);
  // The next request that is added is the one of that index.
  void expect(int index);
  void note_added(RequestId id);
  void note_outputs(const EngineCoreOutputs& outputs);
  void note_end();  // no outputs will follow

  // Waits until requests finish, or until `deadline` (monotonic seconds); their indexes, none when
  // the time has come. Throws InternalError when the engine has ended.
  std::vector<int> wait_finished(double deadline);
  std::vector<int32_t> output_token_ids(int index);
  std::vector<RequestRecord> take_records();

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable ready_;
  int expected_ = 0;
  std::unordered_map<RequestId, int> indexes_;
  std::vector<RequestRecord> records_;
  std::vector<int> finished_;  // since the last wait_finished()
  bool has_ended_ = false;
};

// Passes everything on and shows it to the recorder, which must outlive it.
class RecordedClient final : public EngineCoreClient {
 public:
  RecordedClient(std::unique_ptr<EngineCoreClient> client, RequestRecorder& recorder)
      : client_(std::move(client)), recorder_(recorder) {}

  void add_requests(std::vector<std::unique_ptr<Request>> completions) override;
  void abort_requests(std::vector<RequestId> ids) override {
    client_->abort_requests(std::move(ids));
  }
  bool reset_prefix_cache(bool reset_running_requests) override {
    return client_->reset_prefix_cache(reset_running_requests);
  }
  bool pause(PauseMode mode, bool clear_cache) override {
    return client_->pause(mode, clear_cache);
  }
  bool sleep(PauseMode mode) override { return client_->sleep(mode); }
  void resume() override { client_->resume(); }
  EngineStats stats() const override { return client_->stats(); }
  bool wait_outputs(EngineCoreOutputs& outputs) override;
  std::optional<std::string> dead_reason() const override { return client_->dead_reason(); }
  void shutdown() override { client_->shutdown(); }

 private:
  std::unique_ptr<EngineCoreClient> client_;
  RequestRecorder& recorder_;
};

}  // namespace quire::bench
