#include "apps/jsonl.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "apps/run_stats.h"
#include "apps/terminal.h"
#include "base/json_writer.h"
#include "quire/error.h"
#include "quire/request_json.h"

namespace quire::cli {
namespace {

// Requests that wait or run at once: enough for full batches, without the whole file in memory.
constexpr size_t kMaxPending = 2048;

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

std::string error_json(
    const std::string& request_id, const std::string& message, const std::string& param
) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().field("request_id", request_id).key("error").begin_object();
  writer.field("message", message).key("param");
  param.empty() ? writer.null() : writer.value(param);
  writer.end_object().end_object();
  return json;
}

class JsonlRun {
 public:
  JsonlRun(AsyncEngine& engine, const SamplingParams& defaults, const JsonlFiles& files)
      : engine_(engine), defaults_(defaults), files_(files) {
    defaults_.output_kind = RequestOutputKind::kFinalOnly;
    if (files.input != "-") open(input_file_, files.input, std::ios::in, "--input-file");
    if (files.output != "-") open(output_file_, files.output, std::ios::out, "--output-file");
  }

  bool run() {
    std::istream& input = files_.input == "-" ? std::cin : input_file_;
    std::string line;
    while (std::getline(input, line)) {
      if (is_blank(line)) continue;
      pending_.push_back(submit(line));
      if (pending_.size() >= kMaxPending) write_next();
    }
    if (input.bad()) throw EnvironmentError("Cannot read " + files_.input + ".");
    while (!pending_.empty())
      write_next();
    return num_failed_ == 0;
  }

  const RunStats& stats() const { return stats_; }

 private:
  struct Pending {
    std::string request_id;
    std::shared_ptr<RequestStream> stream;  // nullptr: refused
    std::string error;  // the output line of a refused one
  };

  template <class Stream>
  static void open(
      Stream& stream, const std::string& path, std::ios::openmode mode, const char* option
  ) {
    stream.open(path, mode | std::ios::binary);
    if (!stream) {
      throw EnvironmentError(
          fmt::format("{}: cannot open {}: {}.", option, path, std::strerror(errno))
      );
    }
  }

  Pending submit(const std::string& line) {
    // The engine's own id: the file may use one twice.
    const std::string engine_id = std::to_string(num_lines_++);
    Pending pending;
    pending.request_id = engine_id;
    try {
      ParsedRequest request = parse_request_json(line, defaults_);
      if (request.request_id) pending.request_id = *request.request_id;
      request.params.output_kind = RequestOutputKind::kFinalOnly;
      AddRequestOptions options;
      options.priority = request.priority;
      pending.stream =
          engine_.add_request(engine_id, make_prompt(engine_, request), request.params, options);
    } catch (const InvalidArgument& error) {
      ++num_failed_;
      pending.error = error_json(pending.request_id, error.what(), error.field());
    }
    return pending;
  }

  void write_next() {
    Pending pending = std::move(pending_.front());
    pending_.pop_front();
    std::string line = std::move(pending.error);
    if (pending.stream) {
      auto output = pending.stream->next();
      output->request_id = pending.request_id;
      stats_.add(*output);
      if (output->error) {
        ++num_failed_;
        line = error_json(pending.request_id, *output->error, "");
      } else {
        append_request_output_json(line, *output);
      }
    }
    line += '\n';
    write(line);
  }

  void write(const std::string& line) {
    if (files_.output == "-") return print(line);
    output_file_.write(line.data(), static_cast<std::streamsize>(line.size())).flush();
    if (!output_file_) {
      throw EnvironmentError(
          fmt::format("Cannot write {}: {}.", files_.output, std::strerror(errno))
      );
    }
  }

  AsyncEngine& engine_;
  SamplingParams defaults_;
  const JsonlFiles& files_;
  std::ifstream input_file_;
  std::ofstream output_file_;
  std::deque<Pending> pending_;
  size_t num_lines_ = 0;
  size_t num_failed_ = 0;
  RunStats stats_;
};

}  // namespace

bool generate_jsonl(
    AsyncEngine& engine, const SamplingParams& defaults, const JsonlFiles& files, bool prints_stats
) {
  JsonlRun run(engine, defaults, files);
  const bool all_went_well = run.run();
  if (prints_stats) print_note(run.stats().summary(engine.stats()));
  return all_went_well;
}

}  // namespace quire::cli
