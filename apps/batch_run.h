#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_set>

#include "base/progress_bar.h"
#include "client/batch_file.h"

namespace quire::cli {

// What an output file answers already.
struct BatchProgress {
  std::unordered_set<std::string> answered;  // custom_ids
  std::unordered_set<int64_t> bad_lines;  // of the input, from 1 on, that were no requests
  int64_t num_lines = 0;
  int64_t num_bytes = 0;  // of whole lines: a run that was killed may have left half a line
};

// Throws InvalidArgument when a line is no record of a batch. A file that is not there is empty,
// and so are pipes and devices.
BatchProgress read_batch_progress(const std::string& output);

// Answers the lines of a batch file, many at once, and appends a record for each to the output as
// soon as it is there.
class BatchRun {
 public:
  // Returns the answer of one request; called from many threads. nullopt: nothing can be answered
  // any more, and the run ends without a record.
  using Answer = std::function<std::optional<client::BatchResponse>(const client::BatchRequest&)>;

  // Reads both files. Throws InvalidArgument when the output answers requests that the input does
  // not have, EnvironmentError.
  BatchRun(std::string input, std::string output, bool overwrites);

  int64_t num_requests() const { return num_requests_; }
  int64_t num_answered_before() const { return num_before_; }
  int64_t num_failed() const { return num_failed_; }  // records of this run that are errors
  // Lines that are no requests, answered in this run or before: not those that are only refused.
  int64_t num_bad_lines() const { return num_bad_lines_; }
  bool was_stopped() const { return was_stopped_; }

  // Throws EnvironmentError when a file fails, and what `answer` throws.
  void run(int max_concurrency, const Answer& answer, bool shows_progress);

 private:
  struct Work {
    int64_t number = 0;  // of the line, from 1 on
    client::BatchRequest request;
  };

  void scan_input();
  // Returns when all is answered, the run was stopped or has failed.
  void answer_lines(std::ifstream& file, int max_concurrency, const Answer& answer);
  void read_lines(std::ifstream& file);
  bool has_stopped();
  void count_done();
  void put(Work work);
  std::optional<Work> take();
  void answer_all(const Answer& answer);
  void write(const std::string& record, bool is_error);
  void fail(std::exception_ptr failure);
  void stop();

  std::string input_;
  std::string output_;
  BatchProgress progress_;
  int64_t num_requests_ = 0;  // lines of the input that are not empty
  int64_t num_before_ = 0;
  int64_t num_bad_lines_ = 0;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Work> queue_;
  std::ofstream output_file_;
  std::exception_ptr failure_;  // the first
  bool has_all_ = false;
  bool was_stopped_ = false;
  int64_t num_done_ = 0;
  int64_t num_failed_ = 0;
  size_t max_queued_ = 0;
  ProgressBar* bar_ = nullptr;
};

}  // namespace quire::cli
