#include "apps/batch_run.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "quire/error.h"

namespace quire::cli {
namespace {

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

std::ifstream open_input(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file && !std::filesystem::is_directory(path)) return file;
  throw EnvironmentError(fmt::format("--input-file: cannot read {}.", path));
}

client::BatchError repeated(const client::BatchRequest& request) {
  return {
      .custom_id = request.custom_id,
      .code = "duplicate_custom_id",
      .message = fmt::format("An earlier line has the custom_id '{}' too.", request.custom_id),
      .param = "custom_id"};
}

// What asks for an endpoint or a method that is not served is a request, which is refused.
bool is_no_request(const std::variant<client::BatchRequest, client::BatchError>& parsed) {
  const auto* error = std::get_if<client::BatchError>(&parsed);
  return error != nullptr && error->code != "invalid_url" && error->code != "invalid_method";
}

std::string record_id(int64_t line) {
  return fmt::format("batch_req_{}", line);
}

}  // namespace

BatchProgress read_batch_progress(const std::string& output) {
  BatchProgress progress;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(output, ignored)) return progress;
  std::ifstream file(output, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    const bool is_whole = !file.eof();
    const auto record = client::parse_batch_record(line);
    // Half a line, at the end, is what a killed run leaves behind.
    if (!is_whole) break;
    if (!record) {
      throw InvalidArgument(
          "--output-file",
          fmt::format(
              "Line {} of {} is no record of a batch. Name another file, or use --overwrite.",
              progress.num_lines + 1,
              output
          )
      );
    }
    ++progress.num_lines;
    progress.num_bytes += static_cast<int64_t>(line.size()) + 1;
    if (record->error_line) {
      progress.bad_lines.insert(*record->error_line);
    } else {
      progress.answered.insert(*record->custom_id);
    }
  }
  return progress;
}

BatchRun::BatchRun(std::string input, std::string output, bool overwrites)
    : input_(std::move(input)), output_(std::move(output)) {
  std::error_code ignored;
  if (std::filesystem::equivalent(input_, output_, ignored)) {
    throw InvalidArgument("--output-file", "This is the input file. Name another file.");
  }
  if (!overwrites) progress_ = read_batch_progress(output_);
  scan_input();
  output_file_.open(output_, std::ios::binary | std::ios::app);
  if (!output_file_) {
    throw EnvironmentError(
        fmt::format("--output-file: cannot write {}: {}.", output_, std::strerror(errno))
    );
  }
  if (std::filesystem::is_regular_file(output_, ignored)) {
    std::filesystem::resize_file(output_, static_cast<uintmax_t>(progress_.num_bytes));
  }
}

void BatchRun::scan_input() {
  std::ifstream file = open_input(input_);
  std::unordered_set<std::string> missing = progress_.answered;
  int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (is_blank(line)) continue;
    ++num_requests_;
    if (progress_.answered.empty() && progress_.bad_lines.empty()) continue;
    const auto parsed = client::parse_batch_line(line);
    const auto* request = std::get_if<client::BatchRequest>(&parsed);
    const bool is_answered = request != nullptr && progress_.answered.contains(request->custom_id);
    if (is_answered) missing.erase(request->custom_id);
    if (is_answered || progress_.bad_lines.contains(number)) ++num_before_;
  }
  if (missing.empty()) return;
  throw InvalidArgument(
      "--output-file",
      fmt::format(
          "{} answers '{}', which {} does not ask: it belongs to another batch. Name another file, "
          "or use --overwrite.",
          output_,
          *missing.begin(),
          input_
      )
  );
}

void BatchRun::run(int max_concurrency, const Answer& answer, bool shows_progress) {
  ProgressBar bar("Running batch", num_requests_, shows_progress);
  bar_ = &bar;
  max_queued_ = static_cast<size_t>(max_concurrency) * 2;
  std::ifstream file = open_input(input_);
  answer_lines(file, max_concurrency, answer);
  bar.update(num_done_);
  bar_ = nullptr;
  if (failure_) std::rethrow_exception(failure_);
}

void BatchRun::answer_lines(std::ifstream& file, int max_concurrency, const Answer& answer) {
  std::vector<std::jthread> workers;
  try {
    for (int i = 0; i < max_concurrency; ++i)
      workers.emplace_back([&] { answer_all(answer); });
    read_lines(file);
  } catch (...) {
    fail(std::current_exception());
  }
}

// Only this thread parses, so that of two lines with one custom_id always the first is answered.
void BatchRun::read_lines(std::ifstream& file) {
  std::unordered_set<std::string> seen;
  int64_t number = 0;
  for (std::string line; std::getline(file, line) && !has_stopped();) {
    ++number;
    if (is_blank(line)) continue;
    auto parsed = client::parse_batch_line(line);
    if (is_no_request(parsed)) ++num_bad_lines_;
    if (progress_.bad_lines.contains(number)) {
      count_done();
      continue;
    }
    auto* request = std::get_if<client::BatchRequest>(&parsed);
    if (request != nullptr && !seen.insert(request->custom_id).second) {
      parsed = repeated(*request);
    } else if (request != nullptr && progress_.answered.contains(request->custom_id)) {
      count_done();
      continue;
    }
    if (const auto* error = std::get_if<client::BatchError>(&parsed)) {
      write(client::to_json(*error, record_id(number), number), true);
    } else {
      put({number, std::move(std::get<client::BatchRequest>(parsed))});
    }
  }
  std::lock_guard lock(mutex_);
  has_all_ = true;
  changed_.notify_all();
}

bool BatchRun::has_stopped() {
  std::lock_guard lock(mutex_);
  return was_stopped_;
}

void BatchRun::count_done() {
  std::lock_guard lock(mutex_);
  bar_->update(++num_done_);
}

void BatchRun::put(Work work) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return was_stopped_ || queue_.size() < max_queued_; });
  if (was_stopped_) return;
  queue_.push_back(std::move(work));
  changed_.notify_all();
}

std::optional<BatchRun::Work> BatchRun::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return was_stopped_ || has_all_ || !queue_.empty(); });
  if (was_stopped_ || queue_.empty()) return std::nullopt;
  Work work = std::move(queue_.front());
  queue_.pop_front();
  changed_.notify_all();
  return work;
}

void BatchRun::answer_all(const Answer& answer) {
  try {
    while (const auto work = take()) {
      std::optional<client::BatchResponse> response = answer(work->request);
      if (!response) return stop();
      response->id = record_id(work->number);
      write(client::to_json(*response), response->status_code != 200);
    }
  } catch (...) {
    fail(std::current_exception());
  }
}

void BatchRun::write(const std::string& record, bool is_error) {
  std::lock_guard lock(mutex_);
  if (was_stopped_) return;
  output_file_ << record + '\n';
  output_file_.flush();
  if (!output_file_) {
    throw EnvironmentError(fmt::format("Cannot write {}: {}.", output_, std::strerror(errno)));
  }
  if (is_error) ++num_failed_;
  bar_->update(++num_done_);
}

void BatchRun::fail(std::exception_ptr failure) {
  std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
  was_stopped_ = true;
  changed_.notify_all();
}

void BatchRun::stop() {
  std::lock_guard lock(mutex_);
  was_stopped_ = true;
  changed_.notify_all();
}

}  // namespace quire::cli
