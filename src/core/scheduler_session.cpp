// Resumable requests: sessions that get their input piece by piece.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "core/scheduler.h"

namespace quire {

void Scheduler::add_streaming_update(Request& session, Request& update) {
  QUIRE_CHECK(session.resumable, "request {} takes no further input", session.id);
  QUIRE_CHECK(!update.resumable || update.num_tokens() > 0, "request {}", session.id);
  QUIRE_CHECK(
      session.streaming_updates.empty() || session.streaming_updates.back().resumable,
      "request {} has ended",
      session.id
  );
  session.streaming_updates.push_back(
      {std::move(update.token_ids), std::move(update.sampling_params), update.resumable}
  );
  if (session.status != RequestStatus::kWaitingForStreamingReq) return;
  StreamingUpdate next = std::move(session.streaming_updates.back());
  session.streaming_updates.clear();
  if (next.token_ids.empty()) {
    // What it had to say was told when it was parked.
    finish(session, RequestStatus::kFinishedAborted);
  } else {
    go_on(session, std::move(next));
  }
  drop_finished();
}

void Scheduler::stop(Request& request, RequestStatus status) {
  std::vector<StreamingUpdate>& updates = request.streaming_updates;
  const bool is_end = !updates.empty() && updates.front().token_ids.empty();
  if (!request.resumable || is_end) {
    finish(request, status);
    return;
  }
  park(request);
  if (updates.empty()) return;
  StreamingUpdate next = std::move(updates.front());
  updates.erase(updates.begin());
  go_on(request, std::move(next));
}

// It keeps its blocks, but not its slot in the runner: it comes back as a new one.
void Scheduler::park(Request& session) {
  if (session.status == RequestStatus::kRunning) {
    std::erase(running_, &session);
    preempted_ids_.push_back(session.id);
  } else {
    queue_of(session).remove(session);
  }
  session.num_stale_steps = std::exchange(session.num_output_placeholders, 0);
  session.num_computed_tokens = std::min(session.num_computed_tokens, session.num_tokens() - 1);
  session.draft_token_ids.clear();
  session.status = RequestStatus::kWaitingForStreamingReq;
  session.is_skipped = true;
  skipped_waiting_.push(session);
}

void Scheduler::go_on(Request& session, StreamingUpdate update) {
  if (session.num_output_tokens() > 0) session.token_ids.pop_back();
  const auto num_full_blocks =
      static_cast<size_t>(session.num_tokens() / block_hasher_.block_size());
  if (session.block_hashes.size() > num_full_blocks) session.block_hashes.resize(num_full_blocks);
  session.token_ids.insert(
      session.token_ids.end(), update.token_ids.begin(), update.token_ids.end()
  );
  session.num_prompt_tokens = session.num_tokens();
  session.sampling_params = std::move(update.sampling_params);
  session.resumable = update.resumable;
  session.stop_token_id.reset();
  session.status = RequestStatus::kWaiting;
  session.events.push_back({RequestEvent::Kind::kQueued, monotonic_time()});
  refuse_if_outgrown(session);
}

Request* Scheduler::idle_session_with_blocks() const {
  const auto holds_blocks = [this](const Request& request) {
    return !kv_cache_manager_.block_ids(request, 0).empty();
  };
  // One that has input is about to run: it would compute its tokens anew at once.
  Request* silent = skipped_waiting_.first_where([&](const Request& request) {
    return request.status == RequestStatus::kWaitingForStreamingReq && holds_blocks(request);
  });
  return silent ? silent : skipped_waiting_.first_where(holds_blocks);
}

bool Scheduler::release_idle_session() {
  Request* session = idle_session_with_blocks();
  if (!session) return false;
  kv_cache_manager_.free(*session);
  session->num_computed_tokens = 0;
  return true;
}

}  // namespace quire
