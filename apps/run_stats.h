#pragma once

#include <cstdint>
#include <string>

#include "quire/async_engine.h"

namespace quire::cli {

// "9 prompt tokens, 0 cached; 50 tokens; first token after 0.012 s, then 85.3 tokens/s"
std::string describe_request(const RequestOutput& output);

// Joins the parts of a delta stream of one completion as far as the statistics need it.
void gather_stream(RequestOutput& whole, RequestOutput part);

// What --stats sums up over a run.
class RunStats {
 public:
  RunStats();

  void add(const RequestOutput& output);
  // Times from the start to now; `engine`: what the whole run did.
  std::string summary(const EngineStats& engine) const;

 private:
  double start_time_;
  int64_t num_requests_ = 0;
  int64_t num_prompt_tokens_ = 0;
  int64_t num_cached_tokens_ = 0;
  int64_t num_output_tokens_ = 0;
};

}  // namespace quire::cli
