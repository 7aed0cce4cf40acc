#include "support/fake_engine_core_client.h"

#include <algorithm>
#include <stdexcept>

#include "config/model_config.h"
#include "support/test_paths.h"

namespace quire::test {
namespace {

bool is_stop_token(const SamplingParams& params, int32_t id) {
  return std::find(params.stop_token_ids.begin(), params.stop_token_ids.end(), id) !=
         params.stop_token_ids.end();
}

// Cuts the candidates to the sampled token and the top k.
TokenLogprobs top(TokenLogprobs candidates, int num_logprobs) {
  TokenLogprobs out;
  out.rank = 1;
  out.token_ids = {candidates.token_ids.front()};
  out.logprobs = {candidates.logprobs.front()};
  const size_t number = num_logprobs < 0
                            ? candidates.token_ids.size()
                            : std::min<size_t>(num_logprobs, candidates.token_ids.size());
  out.token_ids.insert(
      out.token_ids.end(), candidates.token_ids.begin(), candidates.token_ids.begin() + number
  );
  out.logprobs.insert(
      out.logprobs.end(), candidates.logprobs.begin(), candidates.logprobs.begin() + number
  );
  return out;
}

}  // namespace

void FakeEngineCoreClient::add_requests(std::vector<std::unique_ptr<Request>> completions) {
  for (const auto& request : completions) {
    {
      std::lock_guard lock(mutex_);
      added_.push_back(*request);
    }
    if (model_) serve(*request);
  }
}

void FakeEngineCoreClient::serve(const Request& request) {
  const SamplingParams& params = request.sampling_params;
  std::vector<int32_t> token_ids = request.token_ids;
  for (int step = 1; step <= params.max_tokens.value(); ++step) {
    const TokenLogprobs candidates = model_(token_ids);
    const int32_t id = candidates.token_ids.front();
    token_ids.push_back(id);
    EngineCoreOutput output;
    output.request_id = request.id;
    if (params.logprobs) output.new_logprobs = {top(candidates, *params.logprobs)};
    const bool is_eos = !params.ignore_eos && id == params.eos_token_id;
    if (is_eos || is_stop_token(params, id)) {
      output.finish_reason = FinishReason::kStop;
      if (!is_eos) output.stop_token_id = id;
    } else if (step == params.max_tokens) {
      output.finish_reason = FinishReason::kLength;
    }
    const bool is_last = output.finish_reason.has_value();
    emit(std::move(output), {id});
    if (is_last) return;
  }
}

void FakeEngineCoreClient::abort_requests(std::vector<RequestId> ids) {
  std::lock_guard lock(mutex_);
  aborted_.insert(aborted_.end(), ids.begin(), ids.end());
}

bool FakeEngineCoreClient::wait_outputs(EngineCoreOutputs& outputs) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return is_closed_ || connection_error_ || !steps_.empty(); });
  if (connection_error_) throw std::runtime_error(*connection_error_);
  if (steps_.empty()) return false;
  outputs = std::move(steps_.front());
  steps_.pop_front();
  return true;
}

std::optional<std::string> FakeEngineCoreClient::dead_reason() const {
  std::lock_guard lock(mutex_);
  return dead_reason_;
}

void FakeEngineCoreClient::shutdown() {
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
}

void FakeEngineCoreClient::emit(EngineCoreOutput output, std::vector<int32_t> new_token_ids) {
  {
    std::lock_guard lock(mutex_);
    output.num_new_tokens = static_cast<int>(new_token_ids.size());
    EngineCoreOutputs& step = steps_.emplace_back();
    step.outputs.push_back(std::move(output));
    step.token_ids = std::move(new_token_ids);
  }
  changed_.notify_all();
}

void FakeEngineCoreClient::die(const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    dead_reason_ = reason;
    is_closed_ = true;
  }
  changed_.notify_all();
}

void FakeEngineCoreClient::break_connection(const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    connection_error_ = reason;
  }
  changed_.notify_all();
}

std::vector<Request> FakeEngineCoreClient::added() const {
  std::lock_guard lock(mutex_);
  return added_;
}

std::vector<RequestId> FakeEngineCoreClient::aborted() const {
  std::lock_guard lock(mutex_);
  return aborted_;
}

LoadedEngine load_with_fake_core(
    std::unique_ptr<FakeEngineCoreClient> core, EngineConfig config, int max_model_len
) {
  LoadedEngine loaded;
  loaded.tokenizer_dir = bundled_models_dir() / "small-chat";
  loaded.model = load_model_config(loaded.tokenizer_dir);
  loaded.max_model_len = max_model_len;
  if (!config.skip_tokenizer_init) loaded.tokenizer = Tokenizer::from_dir(loaded.tokenizer_dir);
  loaded.config = std::move(config);
  loaded.core = std::move(core);
  return loaded;
}

FakeModel counting_model(int32_t stop_after, int32_t eos_token_id, int num_candidates) {
  return [=](std::span<const int32_t> token_ids) {
    TokenLogprobs candidates;
    for (int i = 1; i <= num_candidates; ++i) {
      const int32_t next = token_ids.back() + i;
      candidates.token_ids.push_back(next > stop_after && i == 1 ? eos_token_id : next);
      candidates.logprobs.push_back(-static_cast<float>(i));
    }
    return candidates;
  };
}

}  // namespace quire::test
