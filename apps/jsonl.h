#pragma once

#include <fstream>
#include <iosfwd>
#include <string>

#include "quire/async_engine.h"

namespace quire::cli {

// The two files of --input-file and --output-file, open.
class JsonlFiles {
 public:
  // "-" is standard input or output. What the output holds stays until empty_output(). Throws
  // EnvironmentError, InvalidArgument if both are one file.
  JsonlFiles(const std::string& input, const std::string& output);

  // Call it when the output is about to be written.
  void empty_output();

  // False: the end of the input. Blank lines are passed over.
  [[nodiscard]] bool read_line(std::string& line);
  // Writes a line at once.
  void write_line(std::string line);

 private:
  std::istream& input();

  std::string input_name_;
  std::string output_name_;
  std::ifstream input_file_;
  std::ofstream output_file_;
};

// One request a line in, one output a line out, in the order of the input, each as soon as it and
// those before it are done. A line that is refused gets
// {"request_id": …, "error": {"message": …, "param": …}} and does no harm to the others.
// False: some line failed.
bool generate_jsonl(
    AsyncEngine& engine, const SamplingParams& defaults, JsonlFiles& files, bool prints_stats
);

}  // namespace quire::cli
