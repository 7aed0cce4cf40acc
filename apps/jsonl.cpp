#include "apps/jsonl.h"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <future>
#include <iostream>
#include <mutex>
#include <unordered_set>

#include <fmt/format.h>
#include <simdjson.h>

#include "apps/run_stats.h"
#include "base/json_writer.h"
#include "cli/terminal.h"
#include "quire/error.h"
#include "quire/request_json.h"

namespace quire::cli {
namespace {

// Requests that wait or run at once: enough for full batches, without the whole file in memory.
constexpr size_t kMaxPending = 2048;

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

// Also of a line that has a mistake somewhere else.
std::optional<std::string> request_id_of(const std::string& line) {
  simdjson::dom::parser parser;
  std::string_view id;
  if (parser.parse(line)["request_id"].get(id) != simdjson::SUCCESS) return std::nullopt;
  return std::string(id);
}

// A line of the input on its way to the output.
struct Pending {
  std::string request_id;
  std::shared_ptr<RequestStream> stream;  // nullptr: refused
  std::string error;  // the output line of a refused one
};

// Lines between the reading and the writing thread, at most kMaxPending.
class PendingQueue {
 public:
  // False: the reader of the queue has given up.
  [[nodiscard]] bool push(Pending pending) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_closed_ || queue_.size() < kMaxPending; });
    if (is_closed_) return false;
    queue_.push_back(std::move(pending));
    changed_.notify_all();
    return true;
  }

  std::optional<Pending> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_closed_ || !queue_.empty(); });
    if (queue_.empty()) return std::nullopt;
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    changed_.notify_all();
    return pending;
  }

  void close() {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pending> queue_;
  bool is_closed_ = false;
};

class JsonlRun {
 public:
  JsonlRun(AsyncEngine& engine, const SamplingParams& defaults, JsonlFiles& files)
      : engine_(engine), defaults_(defaults), files_(files) {}

  void run() {
    std::future<void> writer = std::async(std::launch::async, [this] { write_outputs(); });
    read_requests();
    writer.get();
  }

  bool all_went_well() const { return num_failed_ == 0; }
  const RunStats& stats() const { return stats_; }

 private:
  Pending submit(const std::string& line) {
    // The engine's own id: that of the line can be anything.
    const std::string engine_id = std::to_string(num_lines_++);
    Pending pending;
    pending.request_id = request_id_of(line).value_or(engine_id);
    const bool is_new = ids_.insert(pending.request_id).second;
    try {
      ParsedRequest request = parse_request_json(line, defaults_);
      if (!is_new) refuse_repeated_id(pending.request_id);
      request.params.output_kind = RequestOutputKind::kFinalOnly;
      AddRequestOptions options;
      options.priority = request.priority;
      pending.stream =
          engine_.add_request(engine_id, make_prompt(engine_, request), request.params, options);
    } catch (const InvalidArgument& error) {
      pending.error = error_json(pending.request_id, error.what(), error.field());
    } catch (const std::exception& error) {
      // Of this line alone, unless nothing can run any more.
      if (engine_.dead_reason()) throw;
      pending.error = error_json(pending.request_id, error.what(), "");
    }
    return pending;
  }

  [[noreturn]] static void refuse_repeated_id(const std::string& id) {
    throw InvalidArgument(
        "request_id",
        fmt::format(
            "An earlier line has the request_id '{}' too (a line without one has its number, from "
            "0 "
            "on). Give each line its own.",
            id
        )
    );
  }

  // Whichever of the two threads ends, by an error too, ends the other.
  struct QueueCloser {
    PendingQueue& queue;
    ~QueueCloser() { queue.close(); }
  };

  void read_requests() {
    const QueueCloser closer{queue_};
    std::string line;
    while (files_.read_line(line) && queue_.push(submit(line))) {
    }
  }

  void write_outputs() {
    const QueueCloser closer{queue_};
    while (auto pending = queue_.pop()) {
      files_.write_line(output_line(*pending));
    }
  }

  std::string output_line(Pending& pending) {
    if (!pending.stream) {
      ++num_failed_;
      return std::move(pending.error);
    }
    RequestOutput output = *pending.stream->next();
    output.request_id = pending.request_id;
    stats_.add(output);
    if (output.error) {
      ++num_failed_;
      return error_json(pending.request_id, *output.error, "");
    }
    std::string line;
    append_request_output_json(line, output);
    return line;
  }

  AsyncEngine& engine_;
  const SamplingParams& defaults_;
  JsonlFiles& files_;
  PendingQueue queue_;
  // Of the reading thread.
  size_t num_lines_ = 0;
  std::unordered_set<std::string> ids_;  // of all lines so far
  // Of the writing thread.
  size_t num_failed_ = 0;
  RunStats stats_;
};

}  // namespace

JsonlFiles::JsonlFiles(const std::string& input, const std::string& output)
    : input_name_(input), output_name_(output) {
  const auto require = [](bool is_open, const char* option, const std::string& path) {
    if (is_open) return;
    throw EnvironmentError(
        fmt::format("{}: cannot open {}: {}.", option, path, std::strerror(errno))
    );
  };
  if (input != "-") input_file_.open(input, std::ios::binary);
  require(input == "-" || input_file_.is_open(), "--input-file", input);
  std::error_code ignored;
  if (std::filesystem::equivalent(input, output, ignored) &&
      std::filesystem::is_regular_file(input, ignored)) {
    throw InvalidArgument(
        "--output-file",
        fmt::format("{} is the input file: its requests would be lost. Name another file.", output)
    );
  }
  if (output != "-") output_file_.open(output, std::ios::binary | std::ios::app);
  require(output == "-" || output_file_.is_open(), "--output-file", output);
}

void JsonlFiles::empty_output() {
  std::error_code ignored;
  if (output_name_ == "-" || !std::filesystem::is_regular_file(output_name_, ignored)) return;
  std::error_code error;
  std::filesystem::resize_file(output_name_, 0, error);
  if (error) {
    throw EnvironmentError(fmt::format("Cannot write {}: {}.", output_name_, error.message()));
  }
}

std::istream& JsonlFiles::input() {
  return input_name_ == "-" ? std::cin : input_file_;
}

bool JsonlFiles::read_line(std::string& line) {
  while (std::getline(input(), line)) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) return true;
  }
  if (input().bad()) throw EnvironmentError("Cannot read " + input_name_ + ".");
  return false;
}

void JsonlFiles::write_line(std::string line) {
  line += '\n';
  if (output_name_ == "-") return print(line);
  output_file_.write(line.data(), static_cast<std::streamsize>(line.size())).flush();
  if (!output_file_) {
    throw EnvironmentError(fmt::format("Cannot write {}: {}.", output_name_, std::strerror(errno)));
  }
}

bool generate_jsonl(
    AsyncEngine& engine, const SamplingParams& defaults, JsonlFiles& files, bool prints_stats
) {
  files.empty_output();
  JsonlRun run(engine, defaults, files);
  run.run();
  if (prints_stats) print_note(run.stats().summary(engine.stats()));
  return run.all_went_well();
}

}  // namespace quire::cli
