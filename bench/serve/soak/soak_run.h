#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/serve/soak/server_watch.h"
#include "bench/serve/soak/soak_exchange.h"

namespace quire::bench {

struct SoakOptions {
  std::string url;  // http://host:port of a server with --load-format null
  int pid = 0;  // of the server
  int64_t num_requests = 5000;
  int concurrency = 64;
  int64_t max_body_size = 1 << 20;  // that the server was given
  double max_growth = 0.05;  // of memory, second half against first
  uint64_t seed = 0;
};

struct SoakResult {
  double duration = 0.0;  // seconds
  std::map<std::string, int64_t> kinds;  // requests by kind
  int64_t num_answered = 0;  // read to the end
  int64_t num_left = 0;  // the client went
  int64_t num_choices = 0;  // of completions that were read to the end
  std::vector<std::string> problems;  // the first of them
  int64_t num_problems = 0;
  std::vector<int64_t> resident;  // bytes, taken again and again
  double growth = 0.0;  // the most of the second half over the most of the first, minus 1
  // What /metrics says of this run.
  double http_requests = 0.0;
  double finished_requests = 0.0;  // completions that ended, whichever way
  double running = 0.0;  // after the end
  double waiting = 0.0;

  bool is_good() const { return num_problems == 0; }
  std::string to_json() const;
};

// Sends requests of every kind, right and wrong, and checks each answer, the server's memory and
// its counts. Throws EnvironmentError when the server cannot be reached.
SoakResult run_soak(const SoakOptions& options);

}  // namespace quire::bench
