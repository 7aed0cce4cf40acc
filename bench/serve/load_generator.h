#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/serve/call_plan.h"

namespace quire::bench {

// What became of one call. Times are monotonic seconds.
struct CallRecord {
  bool is_ok = false;  // a whole answer with the tokens that it should have
  std::string error;  // why not
  int num_prompt_tokens = 0;  // as the server counts them, if it tells
  int num_output_tokens = 0;
  int num_events = 0;  // of the stream, [DONE] and usage included
  double start = 0.0;
  double first_token = 0.0;  // the first event with text; of a whole answer its end
  double last_token = 0.0;
  std::vector<double> itls;  // seconds between events with text
  std::string text;  // kept only if asked for

  double ttft() const { return first_token - start; }
  double latency() const { return last_token - start; }
};

struct LoadResult {
  std::vector<CallRecord> records;  // [number of calls]
  double start = 0.0;
  double duration = 0.0;  // seconds
  int64_t num_events = 0;
  int64_t num_bytes = 0;
};

struct LoadOptions {
  int max_concurrency = 0;  // 0: no limit
  bool streams = true;
  bool checks_length = false;  // the server was told to ignore the end of text
  bool keeps_text = false;
  double timeout = 0.0;  // seconds without a byte of any answer
  const Tokenizer* tokenizer = nullptr;  // counts tokens for a server that does not
  std::function<void(size_t num_done)> on_progress;
};

// Sends the calls of a plan when they are due and reads all answers, on the calling thread. Throws
// EnvironmentError when nothing comes any more.
LoadResult run_load(
    const client::Url& url, const std::vector<PlannedCall>& calls, const LoadOptions& options
);

}  // namespace quire::bench
