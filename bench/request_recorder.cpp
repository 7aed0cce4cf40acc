#include "bench/request_recorder.h"

#include <chrono>
#include <utility>

#include "base/clock.h"
#include "quire/error.h"

namespace quire::bench {

void RequestRecorder::begin_pass(int number) {
  std::lock_guard lock(mutex_);
  indexes_.clear();
  finished_.clear();
  records_.assign(number, {});
}

void RequestRecorder::expect(int index) {
  std::lock_guard lock(mutex_);
  expected_ = index;
}

void RequestRecorder::note_added(RequestId id) {
  std::lock_guard lock(mutex_);
  indexes_[id] = expected_;
  records_[expected_].arrival_time = monotonic_time();
}

void RequestRecorder::note_outputs(const EngineCoreOutputs& outputs) {
  bool has_news = false;
  {
    std::lock_guard lock(mutex_);
    for (const EngineCoreOutput& output : outputs.outputs) {
      const auto found = indexes_.find(output.request_id);
      if (found == indexes_.end()) continue;
      RequestRecord& record = records_[found->second];
      for (const int32_t token_id : outputs.new_token_ids(output)) {
        record.output_token_ids.push_back(token_id);
        record.token_times.push_back(outputs.time);
      }
      if (!output.finish_reason) continue;
      record.is_finished = true;
      finished_.push_back(found->second);
      has_news = true;
    }
  }
  if (has_news) ready_.notify_one();
}

void RequestRecorder::note_end() {
  {
    std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  ready_.notify_one();
}

std::vector<int> RequestRecorder::wait_finished(double deadline) {
  using Clock = std::chrono::steady_clock;
  const auto time = Clock::time_point(
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(deadline))
  );
  std::unique_lock lock(mutex_);
  ready_.wait_until(lock, time, [&] { return has_ended_ || !finished_.empty(); });
  if (finished_.empty() && has_ended_) throw InternalError("The engine ended during the run.");
  return std::exchange(finished_, {});
}

std::vector<int32_t> RequestRecorder::output_token_ids(int index) {
  std::lock_guard lock(mutex_);
  return records_[index].output_token_ids;
}

std::vector<RequestRecord> RequestRecorder::take_records() {
  std::lock_guard lock(mutex_);
  return std::exchange(records_, {});
}

void RecordedClient::add_requests(std::vector<std::unique_ptr<Request>> completions) {
  for (const auto& request : completions)
    recorder_.note_added(request->id);
  client_->add_requests(std::move(completions));
}

bool RecordedClient::wait_outputs(EngineCoreOutputs& outputs) {
  const bool has_outputs = client_->wait_outputs(outputs);
  if (has_outputs) {
    recorder_.note_outputs(outputs);
  } else {
    recorder_.note_end();
  }
  return has_outputs;
}

}  // namespace quire::bench
