#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quire/api.h"
#include "quire/engine_config.h"
#include "quire/metrics.h"
#include "quire/request_output.h"
#include "quire/sampling_params.h"

namespace QUIRE_API quire {

class Tokenizer;
class ChatTemplate;
struct LoadedEngine;  // src/engine/load_engine.h

// What to complete: text, or token ids when `token_ids` is not empty (`text` is then what outputs
// show as the prompt).
struct Prompt {
  std::string text;
  std::vector<int32_t> token_ids;
  std::string cache_salt;  // requests share cached blocks only under the same salt
};

struct AddRequestOptions {
  int priority = 0;  // lower is served earlier; other than 0 needs --scheduling-policy priority
  // Called when the stream becomes readable, and at its end: read then until try_next() gives
  // nothing. Comes from the engine's output thread, or from a thread that aborts, and perhaps
  // before add_request returns. It must be short and not throw, and may use the stream and the
  // engine. Never called after the stream was dropped, which waits for a call on another thread.
  std::function<void()> on_output;
  // Outputs of single steps that wait for a slow reader before the next are merged into the last.
  // 1: whatever has come makes one output. More needs RequestOutputKind::kDelta or kFinalOnly; then
  // an output holds one completion.
  int max_pending_outputs = 1;
};

// The outputs of one request. One reader; may be read on another thread than add_request's.
// Dropping the stream before its end aborts the request.
class RequestStream {
 public:
  virtual ~RequestStream() = default;
  // Waits for the next output; nullopt after the last one. A slow reader gets merged outputs, see
  // AddRequestOptions::max_pending_outputs.
  virtual std::optional<RequestOutput> next() = 0;
  // The same without waiting; nullopt: nothing yet, or the end.
  virtual std::optional<RequestOutput> try_next() = 0;
  virtual bool finished() const = 0;  // the last output was handed out
  virtual const std::string& request_id() const = 0;
};

// Counters and gauges of a running engine.
struct EngineStats {
  int num_running_reqs = 0;
  int num_waiting_reqs = 0;
  int num_skipped_waiting_reqs =
      0;  // of those that wait: not for room, but for something of theirs
  double kv_cache_usage = 0.0;  // 1 is full
  int num_gpu_blocks = 0;  // in the whole cache, with the null block
  // Completions that have not ended, and the prompt tokens of those without a token yet. Known at
  // once, where the others are as of the last step.
  int num_unfinished_reqs = 0;
  int64_t num_pending_prompt_tokens = 0;
  int64_t num_preemptions = 0;
  int64_t prefix_cache_queries = 0;  // tokens looked up since the start
  int64_t prefix_cache_hits = 0;  // tokens found
  double recent_prefix_cache_hit_rate = 0.0;  // found / looked up, of the last 1000 requests
  int64_t num_steps = 0;
  int64_t num_scheduled_tokens = 0;  // over all steps
  int64_t num_scheduled_reqs = 0;  // over all steps: divided by num_steps, the mean batch
  bool uses_v0 = false;  // which scheduler runs
  // Of V0 alone.
  int num_swapped_reqs = 0;  // neither running nor waiting
  double cpu_cache_usage = 0.0;  // of the swap space; 1 is full
  int64_t num_overlapped_steps = 0;  // started while another was under way (async_scheduling)
  int64_t num_drafts = 0;  // of one request in one step, judged by the model
  int64_t num_draft_tokens = 0;
  int64_t num_accepted_tokens = 0;
  std::vector<int64_t> num_accepted_tokens_per_pos;  // by place in the draft
  bool is_paused = false;
  bool is_sleeping = false;
};

// What a pause does to the requests that are there. New ones wait in any case.
enum class PauseMode : uint8_t {
  kAbort,  // they end with the finish reason "abort"
  kWait,  // those that run go on to their end, the others wait
  kKeep,  // they stop where they are, and go on after the pause
};

// The engine with its threads: one steps, one turns token ids into text. All methods may be called
// from any thread.
class AsyncEngine {
 public:
  // Loads the model. Throws InvalidArgument (bad option or file) or EnvironmentError.
  explicit AsyncEngine(const EngineConfig& config, UsageContext usage = UsageContext::kLlm);
  // From parts that run already.
  explicit AsyncEngine(LoadedEngine loaded);
  ~AsyncEngine();  // aborts what still runs
  AsyncEngine(const AsyncEngine&) = delete;
  AsyncEngine& operator=(const AsyncEngine&) = delete;

  // Throws InvalidArgument with the field's name: empty or too long prompt, token id outside the
  // vocabulary, parameter out of range, an id that is in use. Nothing else is disturbed.
  // Throws InternalError after shutdown(), and with dead_reason() once the engine has died. A
  // request that runs when the engine dies ends with an output whose `error` says why.
  std::shared_ptr<RequestStream> add_request(
      const std::string& request_id,
      const Prompt& prompt,
      const SamplingParams& params,
      const AddRequestOptions& options = {}
  );

  // `listener` is called on the output thread after the outputs of each step were handed out. While
  // it runs, the engine goes a few steps ahead at most, so that a reader that needs the CPU gets
  // it. Empty: none; then a call under way has ended when this returns.
  void set_step_listener(std::function<void()> listener);

  // Ends the request with finish reason "abort". Unknown ids are ignored.
  void abort(const std::string& request_id);
  // Ends all requests at once, whatever the engine does: with reason "error" if one is given.
  void abort_all(const std::optional<std::string>& error = std::nullopt);

  // Forgets the prefix cache, after the step that runs: it waits for that. With
  // `reset_running_requests` those start anew, from their tokens so far. False: blocks are in use
  // and running requests are not reset, or the engine has ended; then nothing was forgotten.
  [[nodiscard]] bool reset_prefix_cache(bool reset_running_requests = false);

  // Stops serving, for instance to measure, or to change what the tokens come from. Waits until
  // nothing runs, then forgets the prefix cache if asked to (kept requests compute their tokens
  // anew later). False: resumed meanwhile, or the engine has ended. Requests that are added in a
  // pause wait. A further pause may change the mode.
  [[nodiscard]] bool pause_generation(PauseMode mode = PauseMode::kAbort, bool clear_cache = true);
  void resume_generation();
  bool is_paused() const;

  // Level 1: a pause that forgets the cache and gives its memory back to the system, for others to
  // use meanwhile; level 0 is the pause alone. False as for pause_generation. Throws
  // InvalidArgument for other levels: weights that were discarded could not be loaded again.
  [[nodiscard]] bool sleep(int level = 1, PauseMode mode = PauseMode::kAbort);
  void wake_up();  // as resume_generation(), which does it too
  bool is_sleeping() const;

  EngineStats stats() const;
  // All that docs/metrics.md lists, but for the server's; as structs, and in Prometheus' text
  // format.
  std::vector<Metric> metrics() const;
  std::string metrics_text() const;
  // nullptr with skip_tokenizer_init.
  std::shared_ptr<const Tokenizer> tokenizer() const;
  // Throws InvalidArgument when the model has none.
  const ChatTemplate& chat_template() const;
  // The chat template's rendering of `context` (a JSON object with messages, tools,
  // add_generation_prompt …) as text and token ids. Throws InvalidArgument.
  Prompt render_chat(std::string_view context) const;
  const EngineConfig& config() const;  // as it was given
  int max_model_len() const;  // tokens, of prompt and output together
  int max_num_seqs() const;  // completions that run at once
  int vocab_size() const;  // of the model: token ids are below it
  // Tokens that end a text: the tokenizer's, then the others that the model's configuration names.
  std::vector<int32_t> eos_token_ids() const;
  // generation_config.json's values over vLLM's defaults.
  SamplingParams default_sampling_params() const;
  // Why the engine died; nullopt while it lives.
  std::optional<std::string> dead_reason() const;

  // Aborts what runs, then stops the threads. Streams can still be read to their end.
  void shutdown();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // streams look at it to abort themselves
};

}  // namespace quire
