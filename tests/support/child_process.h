#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "support/temp_dir.h"

namespace quire::test {

struct ProcessResult {
  int exit_code = -1;  // 128 + n when signal n ended it
  std::string out;
  std::string err;
};

// A program with pipes to its stdin and stdout. It never downloads: HF_HUB_OFFLINE is set.
class ChildProcess {
 public:
  explicit ChildProcess(std::vector<std::string> command);
  ~ChildProcess();  // kills what still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void write(std::string_view text);
  void close_stdin();
  // Reads stdout until it holds `text` or ends; true: it came.
  [[nodiscard]] bool read_until(std::string_view text);
  void signal(int number);
  // Closes stdin, reads the rest and waits for the end.
  ProcessResult wait();

 private:
  bool read_some();

  TempDir dir_;  // stderr goes to a file, so that a full pipe stops nothing
  pid_t pid_ = -1;
  int stdin_ = -1;
  int stdout_ = -1;
  std::string out_;
};

// Runs to the end with `input` as stdin.
ProcessResult run_process(std::vector<std::string> command, std::string_view input = "");

}  // namespace quire::test
