#include "support/fake_engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace quire::test {

FakeEngine::FakeEngine(const SchedulerOptions& options)
    : max_num_batched_tokens_(
          options.max_num_scheduled_tokens.value_or(options.max_num_batched_tokens)
      ),
      max_model_len_(options.max_model_len.value_or(options.max_num_batched_tokens)),
      num_steps_ahead_(options.async_scheduling ? 1 : 0),
      scheduler_(create_scheduler(options)),
      runner_(make_kv_cache_config(options)) {}

void FakeEngine::add(RequestOptions options) {
  options.id = next_id_++;
  std::unique_ptr<Request> request = create_request(options);
  clients_[options.id] = {
      .prompt = request->token_ids,
      .options = options,
      .max_tokens = options.max_tokens.value(),
      .resumable = options.resumable,
      .wants_prompt_logprobs = options.prompt_logprobs.has_value(),
  };
  scheduler_.add_request(std::move(request));
}

void FakeEngine::abort(RequestId id) {
  const std::array<RequestId, 1> ids{id};
  const size_t num_alive = scheduler_.finish_requests(ids, RequestStatus::kFinishedAborted).size();
  QUIRE_CHECK(clients_.erase(id) == num_alive, "request {}", id);
}

void FakeEngine::set_ready(RequestId id) {
  scheduler_.set_ready(id);
}

void FakeEngine::extend(RequestId id, std::vector<int32_t> input, bool resumable) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  Client& client = found->second;
  const bool has_ended = !client.inputs.empty() && !client.inputs.back().resumable;
  const bool says_nothing = input.empty() && resumable;
  if (!client.resumable || has_ended || says_nothing) return;
  RequestOptions options = client.options;
  options.prompt = input;
  options.resumable = resumable;
  options.is_streaming_update = true;
  client.inputs.push_back({std::move(input), resumable});
  if (client.is_parked) go_on(id, client);
  scheduler_.add_request(create_request(options));
}

void FakeEngine::go_on(RequestId id, Client& client) {
  Input input = std::move(client.inputs.front());
  client.inputs.pop_front();
  if (input.token_ids.empty()) {
    clients_.erase(id);
    return;
  }
  ++num_continued_;
  client.is_parked = false;
  client.resumable = input.resumable;
  client.prompt.insert(client.prompt.end(), client.output.begin(), client.output.end() - 1);
  client.prompt.insert(client.prompt.end(), input.token_ids.begin(), input.token_ids.end());
  client.output.clear();
}

void FakeEngine::on_schedule(std::function<void(const SchedulerOutput&)> watcher) {
  watcher_ = std::move(watcher);
}

void FakeEngine::propose(RequestId id, int num_drafts, int wrong_idx) {
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  std::vector<int32_t> known = client->second.prompt;
  known.insert(known.end(), client->second.output.begin(), client->second.output.end());
  std::vector<int32_t> drafts = FakeRunner::continuation(known, num_drafts);
  if (wrong_idx >= 0 && wrong_idx < num_drafts) drafts[wrong_idx] += 1;
  scheduler_.set_draft_tokens(id, drafts);
}

void FakeEngine::step(std::optional<RequestId> aborted_id) {
  const bool has_work = scheduler_.has_work();
  if (has_work) start_step();
  if (aborted_id) abort(*aborted_id);
  while (steps_.size() > (has_work ? num_steps_ahead_ : 0))
    finish_step();
}

void FakeEngine::start_step() {
  num_overlapped_steps_ += !steps_.empty();
  Step& step = steps_.emplace_back();
  step.output = scheduler_.schedule();
  const int num_tokens = step.output.total_num_scheduled_tokens;
  QUIRE_CHECK(num_tokens <= max_num_batched_tokens_, "{} tokens", num_tokens);
  for (const ScheduledRequest& request : step.output.requests) {
    if (request.new_request_idx) num_hit_tokens_ += request.num_computed_tokens;
  }
  if (watcher_) watcher_(step.output);
  scheduler_.check_integrity();
  step.result = runner_.execute(step.output);
}

void FakeEngine::finish_step() {
  Step step = std::move(steps_.front());
  steps_.pop_front();
  outputs_.clear();
  scheduler_.update(step.output, step.result, outputs_);
  for (const EngineCoreOutput& told : outputs_.outputs)
    take(told);
  scheduler_.check_integrity();
}

void FakeEngine::take(const EngineCoreOutput& told) {
  Client& client = clients_.at(told.request_id);
  const std::span<const int32_t> ids = outputs_.new_token_ids(told);
  client.output.insert(client.output.end(), ids.begin(), ids.end());
  const int num_tokens = static_cast<int>(client.output.size());
  QUIRE_CHECK(
      client.output == FakeRunner::continuation(client.prompt, num_tokens),
      "request {} is wrong in its first {} tokens",
      told.request_id,
      num_tokens
  );
  take_prompt_logprobs(told, client);
  if (told.finish_reason) take_end(told, client);
}

void FakeEngine::take_end(const EngineCoreOutput& told, Client& client) {
  const int num_tokens = static_cast<int>(client.output.size());
  const int most =
      std::min(client.max_tokens, max_model_len_ - static_cast<int>(client.prompt.size()));
  const std::vector<int32_t>& stop_token_ids = client.options.stop_token_ids;
  const auto stop = std::ranges::find_first_of(client.output, stop_token_ids);
  switch (*told.finish_reason) {
    case FinishReason::kStop:
      QUIRE_CHECK(stop == client.output.end() - 1, "request {}", told.request_id);
      ++num_stopped_;
      break;
    case FinishReason::kLength:
      QUIRE_CHECK(num_tokens == most, "{} of {} tokens", num_tokens, most);
      QUIRE_CHECK(stop == client.output.end(), "request {}", told.request_id);
      break;
    default:
      QUIRE_CHECK(*told.finish_reason == FinishReason::kError && !told.error.empty());
      ++num_failed_;
      clients_.erase(told.request_id);
      return;
  }
  if (!client.resumable) {
    ++num_finished_;
    clients_.erase(told.request_id);
  } else if (client.inputs.empty()) {
    client.is_parked = true;
  } else {
    go_on(told.request_id, client);
  }
}

// All of them are there when the first output token is.
void FakeEngine::take_prompt_logprobs(const EngineCoreOutput& told, Client& client) {
  for (const TokenLogprobs& row : told.new_prompt_logprobs) {
    const int position = ++client.num_prompt_logprobs;
    QUIRE_CHECK(
        row.token_ids.at(0) == client.prompt.at(position) &&
            row.logprobs.at(0) == static_cast<float>(-position),
        "request {} is told token {} at {}",
        told.request_id,
        row.token_ids[0],
        position
    );
  }
  const int num_rows = static_cast<int>(client.prompt.size()) - 1;
  const int num_expected = client.wants_prompt_logprobs ? num_rows : 0;
  QUIRE_CHECK(
      client.output.empty() || client.num_prompt_logprobs == num_expected,
      "request {} got {} prompt logprobs of {}",
      told.request_id,
      client.num_prompt_logprobs,
      num_expected
  );
  num_prompt_logprobs_ += static_cast<int64_t>(told.new_prompt_logprobs.size());
}

// Requests that wait for what only a client can bring.
void FakeEngine::end_sessions() {
  std::vector<RequestId> ids;
  for (const auto& [id, client] : clients_)
    ids.push_back(id);
  for (const RequestId id : ids) {
    set_ready(id);
    extend(id, {}, /*resumable=*/false);
  }
}

void FakeEngine::run_to_the_end() {
  scheduler_.set_pause_state(PauseState::kUnpaused);
  end_sessions();
  for (int num_steps = 0; scheduler_.has_work() || !steps_.empty(); ++num_steps) {
    QUIRE_CHECK(num_steps < 20000, "no end");
    step();
  }
  const int num_used_blocks = scheduler_.kv_cache_manager().pool().num_used_blocks();
  QUIRE_CHECK(clients_.empty(), "{} requests were forgotten", clients_.size());
  QUIRE_CHECK(runner_.num_live_requests() == 0, "{}", runner_.num_live_requests());
  QUIRE_CHECK(num_used_blocks == 0, "{} blocks are lost", num_used_blocks);
}

}  // namespace quire::test
