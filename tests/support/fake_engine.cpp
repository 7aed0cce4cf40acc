#include "support/fake_engine.h"

#include <array>

#include "base/check.h"

namespace quire::test {

FakeEngine::FakeEngine(const SchedulerOptions& options)
    : max_num_batched_tokens_(options.max_num_batched_tokens),
      scheduler_(create_scheduler(options)),
      runner_(make_kv_cache_config(options)) {}

void FakeEngine::add(RequestOptions options) {
  options.id = next_id_++;
  std::unique_ptr<Request> request = create_request(options);
  clients_[options.id] = {.prompt = request->token_ids, .max_tokens = options.max_tokens.value()};
  scheduler_.add_request(std::move(request));
}

void FakeEngine::abort(RequestId id) {
  const std::array<RequestId, 1> ids{id};
  const size_t num_alive = scheduler_.finish_requests(ids, RequestStatus::kFinishedAborted).size();
  QUIRE_CHECK(clients_.erase(id) == num_alive, "request {}", id);
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
  const SchedulerOutput& output = scheduler_.schedule();
  const int num_tokens = output.total_num_scheduled_tokens;
  QUIRE_CHECK(num_tokens <= max_num_batched_tokens_, "{} tokens", num_tokens);
  for (const ScheduledRequest& request : output.requests) {
    if (request.new_request_idx) num_hit_tokens_ += request.num_computed_tokens;
  }
  scheduler_.check_integrity();
  ModelRunnerOutput result = runner_.execute(output);
  if (aborted_id) abort(*aborted_id);
  outputs_.clear();
  scheduler_.update(output, result, outputs_);
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
  if (!told.finish_reason) return;
  if (*told.finish_reason == FinishReason::kLength) {
    QUIRE_CHECK(num_tokens == client.max_tokens, "{} of {}", num_tokens, client.max_tokens);
    ++num_finished_;
  } else {
    QUIRE_CHECK(*told.finish_reason == FinishReason::kError && !told.error.empty());
    ++num_failed_;
  }
  clients_.erase(told.request_id);
}

void FakeEngine::run_to_the_end() {
  for (int num_steps = 0; scheduler_.has_work(); ++num_steps) {
    QUIRE_CHECK(num_steps < 20000, "no end");
    step();
  }
  const int num_used_blocks = scheduler_.kv_cache_manager().pool().num_used_blocks();
  QUIRE_CHECK(clients_.empty(), "{} requests were forgotten", clients_.size());
  QUIRE_CHECK(runner_.num_live_requests() == 0, "{}", runner_.num_live_requests());
  QUIRE_CHECK(num_used_blocks == 0, "{} blocks are lost", num_used_blocks);
}

}  // namespace quire::test
