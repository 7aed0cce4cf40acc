#include "engine/inproc_client.h"

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <variant>

#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/start_thread.h"

namespace quire {
namespace {

struct AddMessage {
  std::vector<std::unique_ptr<Request>> completions;
};
struct AbortMessage {
  std::vector<RequestId> ids;
};
struct ResetMessage {
  bool reset_running_requests;
  std::promise<bool> done;
};
struct PauseMessage {
  PauseMode mode;
  bool clear_cache;
  bool sleeps;
  std::promise<bool> done;
};
struct ResumeMessage {
  std::promise<bool> done;
};
using Message = std::variant<AddMessage, AbortMessage, ResetMessage, PauseMessage, ResumeMessage>;

// Waking the reader takes a CPU from the kernels, so outputs that nobody waits for are held back:
// for so many seconds at most.
constexpr double kMaxHold = 0.01;

// The engine goes so many steps ahead of the reader, and then waits for it: a while at most,
// because the reader may wait for the engine.
constexpr size_t kMaxStepsAhead = 4;
constexpr auto kMaxWait = std::chrono::milliseconds(20);

// Outputs of steps on their way to the reader. Handed-back ones are filled again, so that a steady
// flow allocates nothing.
class OutputMailbox {
 public:
  // Takes the outputs and leaves an empty struct with used memory behind.
  void put(EngineCoreOutputs& outputs) {
    const double time = outputs.time;
    bool is_due = outputs.is_awaited;
    {
      std::unique_lock lock(mutex_);
      if (num_due_ > next_ + kMaxStepsAhead) {
        not_full_.wait_for(lock, kMaxWait, [&] {
          return closed_ || num_due_ <= next_ + kMaxStepsAhead;
        });
      }
      if (next_ == full_.size()) oldest_ = time;
      is_due |= time - oldest_ > kMaxHold;
      if (spare_.empty()) spare_.emplace_back();
      std::swap(outputs, spare_.back());
      full_.push_back(std::move(spare_.back()));
      spare_.pop_back();
      if (is_due) num_due_ = full_.size();
    }
    if (is_due) ready_.notify_one();
    outputs.clear();
  }

  // Nothing follows for a while: what was held back goes out.
  void flush() {
    {
      std::lock_guard lock(mutex_);
      if (num_due_ == full_.size()) return;
      num_due_ = full_.size();
    }
    ready_.notify_one();
  }

  bool wait(EngineCoreOutputs& outputs) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return closed_ || next_ < num_due_; });
    if (next_ == full_.size()) return false;
    spare_.push_back(std::move(outputs));
    outputs = std::move(full_[next_++]);
    if (next_ == full_.size()) {
      full_.clear();
      next_ = 0;
      num_due_ = 0;
    } else if (next_ > full_.size() / 2) {  // a reader that never catches up costs no memory
      full_.erase(full_.begin(), full_.begin() + static_cast<ptrdiff_t>(next_));
      num_due_ -= next_;
      next_ = 0;
    }
    lock.unlock();
    not_full_.notify_one();
    return true;
  }

  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
    not_full_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable not_full_;
  std::vector<EngineCoreOutputs> full_;  // [next_, end) wait for the reader
  size_t next_ = 0;
  size_t num_due_ = 0;  // of full_, counted from its beginning
  double oldest_ = 0.0;  // time of the first that was held back
  std::vector<EngineCoreOutputs> spare_;
  bool closed_ = false;
};

class InprocClient final : public EngineCoreClient {
 public:
  explicit InprocClient(std::unique_ptr<EngineCore> core)
      : stats_(core->stats()), core_(std::move(core)), thread_(start_thread([this] { run(); })) {}

  ~InprocClient() override { shutdown(); }

  void add_requests(std::vector<std::unique_ptr<Request>> completions) override {
    // Dropped after a shutdown: the reader ends every stream then.
    (void)inbox_.put(AddMessage{std::move(completions)});
  }

  void abort_requests(std::vector<RequestId> ids) override {
    (void)inbox_.put(AbortMessage{std::move(ids)});
  }

  bool reset_prefix_cache(bool reset_running_requests) override {
    return ask(ResetMessage{reset_running_requests, {}});
  }

  bool pause(PauseMode mode, bool clear_cache) override {
    return ask(PauseMessage{mode, clear_cache, false, {}});
  }

  bool sleep(PauseMode mode) override { return ask(PauseMessage{mode, true, true, {}}); }

  void resume() override { (void)ask(ResumeMessage{}); }

  EngineStats stats() const override {
    std::lock_guard lock(state_mutex_);
    return stats_;
  }

  bool wait_outputs(EngineCoreOutputs& outputs) override { return outbox_.wait(outputs); }

  std::optional<std::string> dead_reason() const override {
    std::lock_guard lock(state_mutex_);
    return dead_reason_;
  }

  void shutdown() override {
    inbox_.close();
    if (thread_.joinable()) thread_.join();
  }

 private:
  // False also when the engine stops before it comes to the message.
  template <class Question>
  bool ask(Question question) {
    std::future<bool> answer = question.done.get_future();
    if (!inbox_.put(std::move(question))) return false;
    try {
      return answer.get();
    } catch (const std::future_error&) {
      return false;
    }
  }

  void run() {
    try {
      loop();
    } catch (const std::exception& error) {
      QUIRE_LOG_ERROR("EngineCore encountered an issue: {}", error.what());
      std::lock_guard lock(state_mutex_);
      dead_reason_ = error.what();
    }
    inbox_.close();
    inbox_.drain(messages_);
    messages_.clear();
    pauses_.clear();
    outbox_.close();
  }

  void loop() {
    while (true) {
      if (core_->has_work()) {
        inbox_.drain(messages_);
        if (messages_.empty() && inbox_.closed()) return;
      } else {
        outbox_.flush();
        if (!inbox_.wait_drain(messages_)) return;
      }
      for (Message& message : messages_) {
        handle(message);
      }
      core_->step(outputs_);
      publish();
      if (!pauses_.empty() && !core_->has_work()) end_pauses();
    }
  }

  void handle(Message& message) {
    if (auto* add = std::get_if<AddMessage>(&message)) {
      for (auto& request : add->completions)
        core_->add_request(std::move(request));
    } else if (auto* abort = std::get_if<AbortMessage>(&message)) {
      core_->abort_requests(abort->ids, outputs_);
    } else if (auto* reset = std::get_if<ResetMessage>(&message)) {
      reset->done.set_value(core_->reset_prefix_cache(reset->reset_running_requests));
    } else if (auto* pause = std::get_if<PauseMessage>(&message)) {
      core_->pause(pause->mode, outputs_);
      pauses_.push_back(std::move(*pause));
    } else {
      core_->resume();
      publish_stats();
      for (PauseMessage& pause : pauses_)
        pause.done.set_value(false);
      pauses_.clear();
      std::get<ResumeMessage>(message).done.set_value(true);
    }
  }

  // Nothing runs any more.
  void end_pauses() {
    for (PauseMessage& pause : pauses_) {
      const bool is_done = !pause.clear_cache || core_->reset_prefix_cache(true);
      if (is_done && pause.sleeps) core_->sleep();
      publish_stats();
      pause.done.set_value(is_done);
    }
    pauses_.clear();
  }

  void publish_stats() {
    std::lock_guard lock(state_mutex_);
    stats_ = core_->stats();
  }

  void publish() {
    publish_stats();
    if (outputs_.outputs.empty()) return;
    outputs_.time = monotonic_time();
    outbox_.put(outputs_);
  }

  Mailbox<Message> inbox_;
  OutputMailbox outbox_;
  mutable std::mutex state_mutex_;
  std::optional<std::string> dead_reason_;
  EngineStats stats_;  // as of the last step; guarded by state_mutex_, like dead_reason_

  // Of the engine's thread alone.
  std::unique_ptr<EngineCore> core_;
  std::vector<Message> messages_;
  std::vector<PauseMessage> pauses_;  // whose askers wait
  EngineCoreOutputs outputs_;

  std::thread thread_;  // the last member: it uses all others
};

}  // namespace

std::unique_ptr<EngineCoreClient> make_inproc_client(std::unique_ptr<EngineCore> core) {
  return std::make_unique<InprocClient>(std::move(core));
}

}  // namespace quire
