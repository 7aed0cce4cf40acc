#include "server/scripted_engine.h"

#include <chrono>
#include <condition_variable>
#include <stdexcept>

namespace quire::test {
namespace {

using namespace server;

constexpr const char* kPoison = "poison";

struct StreamState {
  std::deque<RequestOutput> outputs;
  std::function<void()> on_output;
  size_t num_read = 0;
  bool was_end_read = false;
};

RequestOutput make_output(const std::string& text, bool finished) {
  RequestOutput output;
  output.finished = finished;
  output.outputs.push_back({.text = text});
  return output;
}

class TextAnswer final : public Answer {
 public:
  explicit TextAnswer(bool is_streaming) : is_streaming_(is_streaming) {}

  void add(int, RequestOutput output, std::string& events) override {
    const std::string& text = output.outputs.at(0).text;
    if (text == kPoison) {
      events += "data: half an ev";
      throw std::runtime_error("This output cannot be shown.");
    }
    if (is_streaming_) {
      if (!text.empty()) events += "data: " + text + "\n\n";
    } else {
      text_ += text;
    }
  }

  HttpResponse finish(std::string& events) override {
    if (is_streaming_) events += "data: [DONE]\n\n";
    return {.body = "{\"text\":\"" + text_ + "\"}"};
  }

  void fail(const ErrorInfo& error, std::string* events) override {
    if (events != nullptr) *events += "data: failed: " + error.message + "\n\n";
  }

 private:
  bool is_streaming_;
  std::string text_;
};

}  // namespace

struct ScriptedEngine::Shared {
  // Of all streams: a stream has no lock of its own.
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::vector<std::shared_ptr<StreamState>> streams;
  size_t num_dropped = 0;

  bool wait(const std::function<bool()>& condition) const {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(5), condition);
  }

  void push(size_t index, RequestOutput output) {
    std::function<void()> on_output;
    {
      std::lock_guard lock(mutex);
      streams.at(index)->outputs.push_back(std::move(output));
      on_output = streams.at(index)->on_output;
    }
    on_output();
  }
};

namespace {

template <class Shared>
class ScriptedStream final : public RequestStream {
 public:
  ScriptedStream(std::shared_ptr<Shared> shared, std::shared_ptr<StreamState> state)
      : shared_(std::move(shared)), state_(std::move(state)) {}

  ~ScriptedStream() override {
    std::lock_guard lock(shared_->mutex);
    ++shared_->num_dropped;
    shared_->changed.notify_all();
  }

  std::optional<RequestOutput> next() override {
    throw std::logic_error("The server must not wait on an io thread.");
  }

  std::optional<RequestOutput> try_next() override {
    std::lock_guard lock(shared_->mutex);
    if (state_->outputs.empty()) return std::nullopt;
    RequestOutput output = std::move(state_->outputs.front());
    state_->outputs.pop_front();
    ++state_->num_read;
    state_->was_end_read = output.finished;
    return output;
  }

  bool finished() const override {
    std::lock_guard lock(shared_->mutex);
    return state_->was_end_read;
  }

  const std::string& request_id() const override { return id_; }

 private:
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<StreamState> state_;
  std::string id_ = "scripted";
};

}  // namespace

ScriptedEngine::ScriptedEngine() : shared_(std::make_shared<Shared>()) {}

Handler ScriptedEngine::handler(bool is_streaming) {
  return [shared = shared_, is_streaming](const HttpRequest&, const CallContext& context) -> Reply {
    const auto state = std::make_shared<StreamState>();
    state->on_output = context.on_output;
    std::lock_guard lock(shared->mutex);
    shared->streams.push_back(state);
    shared->changed.notify_all();
    Generation generation;
    generation.streams.push_back(std::make_shared<ScriptedStream<Shared>>(shared, state));
    generation.answer = std::make_unique<TextAnswer>(is_streaming);
    generation.is_streaming = is_streaming;
    return generation;
  };
}

bool ScriptedEngine::wait_started(size_t count) const {
  return shared_->wait([&] { return shared_->streams.size() >= count; });
}

void ScriptedEngine::push(size_t index, const std::string& text) {
  shared_->push(index, make_output(text, false));
}

void ScriptedEngine::finish(size_t index) {
  shared_->push(index, make_output("", true));
}

void ScriptedEngine::push_poison(size_t index) {
  shared_->push(index, make_output(kPoison, false));
}

size_t ScriptedEngine::num_started() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->streams.size();
}

size_t ScriptedEngine::num_dropped() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->num_dropped;
}

size_t ScriptedEngine::num_outputs_read(size_t index) const {
  std::lock_guard lock(shared_->mutex);
  return shared_->streams.at(index)->num_read;
}

bool ScriptedEngine::wait_dropped(size_t count) const {
  return shared_->wait([&] { return shared_->num_dropped >= count; });
}

}  // namespace quire::test
