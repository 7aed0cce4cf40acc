#include "bench/measured_engine.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "config/resolve.h"
#include "engine/inproc_client.h"
#include "engine/load_engine.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

// Requests are all there, and only their ends are waited for.
constexpr double kLongWait = 3600.0;

// A block that a window leaves behind is given back without a word to the executor.
void require_countable(const KVCacheConfig& cache) {
  if (cache.groups.size() > 1) {
    throw InvalidArgument(
        "model",
        "Some layers of this model have a sliding window, and the KV cache of such a model cannot "
        "be compared. Give --disable-hybrid-kv-cache-manager, or another model."
    );
  }
  if (cache.groups.front().spec.sliding_window) {
    throw InvalidArgument(
        "model",
        "All layers of this model have a sliding window, and the KV cache of such a model cannot "
        "be compared. Give another model."
    );
  }
}

}  // namespace

MeasuredEngine::MeasuredEngine(const EngineConfig& config) {
  const EngineHooks hooks{
      .wrap_executor =
          [this](std::unique_ptr<Executor> executor) {
            return std::make_unique<RecordedExecutor>(std::move(executor), step_recorder_);
          },
      .start_core =
          [this](std::unique_ptr<EngineCore> core) {
            return std::make_unique<RecordedClient>(
                make_inproc_client(std::move(core)), request_recorder_
            );
          },
  };
  LoadedEngine loaded = load_engine(config, UsageContext::kLlm, hooks);
  require_countable(loaded.kv_cache);
  const int block_size = loaded.kv_cache.groups.front().spec.block_size;
  step_recorder_.set_cache(block_size, loaded.max_model_len);
  kv_bytes_per_token_ =
      kv_cache_num_bytes(loaded.kv_cache) / loaded.kv_cache.num_blocks / block_size;
  engine_ = std::make_unique<AsyncEngine>(std::move(loaded));
}

MeasuredEngine::~MeasuredEngine() = default;

// Adds requests when their time has come, and later turns when the turn before has ended.
class MeasuredEngine::Pass {
 public:
  Pass(MeasuredEngine& engine, const Workload& workload)
      : engine_(engine),
        workload_(workload),
        prompts_(workload.requests.size()),
        next_turns_(workload.requests.size()),
        start_(monotonic_time()) {
    const auto& requests = workload.requests;
    for (int i = 0; i < static_cast<int>(requests.size()); ++i) {
      if (const auto previous = requests[i].previous_turn) {
        QUIRE_CHECK(*previous < i && !next_turns_[*previous], "turns of request {}", i);
        next_turns_[*previous] = i;
      } else {
        prompts_[i] = requests[i].token_ids;
        due_.emplace(start_ + requests[i].arrival, i);
      }
    }
  }

  void run() {
    size_t num_finished = 0;
    while (num_finished < workload_.requests.size()) {
      add_due();
      const double deadline = due_.empty() ? monotonic_time() + kLongWait : due_.begin()->first;
      for (const int index : engine_.request_recorder_.wait_finished(deadline)) {
        ++num_finished;
        if (next_turns_[index]) plan_next_turn(index, *next_turns_[index]);
      }
    }
    for (const auto& stream : streams_)
      check_alive(*stream);
    for (size_t i = 0; i < workload_.requests.size(); ++i)
      check_served(static_cast<int>(i));
  }

  double start() const { return start_; }
  std::vector<int> num_prompt_tokens() const {
    std::vector<int> numbers;
    for (const auto& prompt : prompts_)
      numbers.push_back(static_cast<int>(prompt.size()));
    return numbers;
  }

 private:
  void add_due() {
    while (!due_.empty() && due_.begin()->first <= monotonic_time()) {
      const int index = due_.begin()->second;
      due_.erase(due_.begin());
      add(index);
    }
  }

  void add(int index) {
    SamplingParams params;
    params.temperature = 0.0;
    params.ignore_eos = true;
    params.max_tokens = workload_.requests[index].num_output_tokens;
    params.output_kind =
        workload_.is_streamed ? RequestOutputKind::kDelta : RequestOutputKind::kFinalOnly;
    Prompt prompt;
    prompt.token_ids = prompts_[index];
    engine_.request_recorder_.expect(index);
    streams_.push_back(
        engine_.engine_->add_request(std::to_string(engine_.next_id_++), prompt, params)
    );
  }

  void plan_next_turn(int index, int next) {
    const std::vector<int32_t> output = engine_.request_recorder_.output_token_ids(index);
    std::vector<int32_t>& prompt = prompts_[next];
    prompt = prompts_[index];
    prompt.insert(prompt.end(), output.begin(), output.end());
    const WorkloadRequest& request = workload_.requests[next];
    prompt.insert(prompt.end(), request.token_ids.begin(), request.token_ids.end());
    due_.emplace(monotonic_time() + request.arrival, next);
  }

  static void check_alive(RequestStream& stream) {
    while (const auto output = stream.next()) {
      if (output->error) throw InternalError("A request failed: " + *output->error);
    }
  }

  // V0 ends a request without a token if it can never fit.
  void check_served(int index) const {
    const int wanted = workload_.requests[index].num_output_tokens;
    const size_t number = engine_.request_recorder_.output_token_ids(index).size();
    if (number >= static_cast<size_t>(wanted)) return;
    throw InvalidArgument(
        "--workload",
        fmt::format(
            "Request {} of the workload {}, with {} prompt tokens, was ended after {} of {} "
            "tokens. Give a larger KV cache (--num-gpu-blocks-override or --kv-cache-memory-bytes) "
            "or another workload.",
            index,
            workload_.name,
            prompts_[index].size(),
            number,
            wanted
        )
    );
  }

  MeasuredEngine& engine_;
  const Workload& workload_;
  std::vector<std::vector<int32_t>> prompts_;  // [num_requests]
  std::vector<std::optional<int>> next_turns_;  // [num_requests]
  double start_;
  std::multimap<double, int> due_;  // monotonic seconds → request
  std::vector<std::shared_ptr<RequestStream>> streams_;
};

PassResult MeasuredEngine::run(const Workload& workload) {
  if (!engine_->reset_prefix_cache()) {
    throw InternalError("The prefix cache cannot be emptied between two passes.");
  }
  (void)step_recorder_.take_records();
  request_recorder_.begin_pass(static_cast<int>(workload.requests.size()));
  PassResult result;
  result.before = engine_->stats();
  Pass pass(*this, workload);
  pass.run();
  result.after = engine_->stats();
  result.start = pass.start();
  result.requests = request_recorder_.take_records();
  result.num_prompt_tokens = pass.num_prompt_tokens();
  result.steps = step_recorder_.take_records();
  double end = result.start;
  for (const RequestRecord& request : result.requests)
    end = std::max(end, request.token_times.back());
  result.elapsed = end - result.start;
  return result;
}

}  // namespace quire::bench
