#include "bench/serve/soak/soak_run.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/open_file_limit.h"
#include "client/api_call.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr size_t kMaxProblems = 20;
constexpr size_t kNumSamples = 200;  // of memory
constexpr int kSlowReceiveBuffer = 4096;
constexpr double kStallSeconds = 60.0;
constexpr double kDrainSeconds = 20.0;
constexpr double kHoldSeconds = 0.02;  // of a request that was sent by half

std::string ask(client::ApiCaller& caller, const std::string& path) {
  const client::ApiResponse response = caller.get(path);
  if (response.status == 200) return response.body;
  throw EnvironmentError(caller.base_url() + path + ": " + client::error_message(response));
}

std::string first_model(client::ApiCaller& caller) {
  simdjson::dom::parser parser;
  const std::string json = ask(caller, "/v1/models");
  std::string_view id;
  if (parser.parse(json)["data"].at(0)["id"].get(id) != simdjson::SUCCESS) {
    throw EnvironmentError("The server names no model.");
  }
  return std::string(id);
}

// Pages whose requests are not counted.
bool is_counted(const SoakCall& call) {
  return call.kind != "health";
}

class SoakRun {
 public:
  explicit SoakRun(const SoakOptions& options)
      : options_(options),
        url_(client::parse_url("--url", options.url)),
        caller_(options.url, std::nullopt),
        loop_(url_),
        plan_(url_, first_model(caller_), options.max_body_size, options.seed) {}

  SoakResult run() {
    read_references();
    const MetricSamples before = parse_metrics(ask(caller_, "/metrics"));
    const double start = monotonic_time();
    last_end_ = start;
    while (num_ended_ < options_.num_requests) {
      start_calls();
      loop_.poll(next_timer());
      run_timers();
      take_sample();
      check_progress();
    }
    result_.duration = monotonic_time() - start;
    check_metrics(before);
    check_memory();
    return std::move(result_);
  }

 private:
  struct Timer {
    double at = 0.0;
    client::HttpLoop::CallId id = 0;
    size_t slot = 0;
    bool leaves = false;  // else it reads on
    bool operator<(const Timer& other) const {
      return std::tie(at, id) < std::tie(other.at, other.id);
    }
  };

  // One after the other, with nothing else to do: what all later answers must be.
  void read_references() {
    for (SoakReference& reference : plan_.references()) {
      SoakCall call;
      call.bytes = plan_.reference_request(reference);
      std::string body;
      read_alone(call.bytes, body);
      simdjson::dom::parser parser;
      simdjson::dom::element choice;
      std::string_view text;
      const bool has_text = parser.parse(body)["choices"].at(0).get(choice) == simdjson::SUCCESS &&
                            (choice["text"].get(text) == simdjson::SUCCESS ||
                             choice["message"]["content"].get(text) == simdjson::SUCCESS);
      if (!has_text) throw EnvironmentError("A reference is no completion: " + body.substr(0, 300));
      reference.text = text;
    }
  }

  void read_alone(const std::string& bytes, std::string& body) {
    struct Whole : client::Exchange {
      explicit Whole(std::string& text) : body(text) {}
      void on_body(const client::HttpResponseParser&, std::string_view piece, double) override {
        body += piece;
      }
      void on_end(const client::HttpResponseParser&, const std::string& why, double) override {
        error = why;
      }
      std::string& body;
      std::string error;
    } whole(body);
    loop_.start(bytes, whole);
    while (loop_.num_calls() > 0)
      loop_.poll(1.0);
    if (!whole.error.empty()) throw EnvironmentError("A reference failed: " + whole.error);
  }

  void start_calls() {
    while (num_open_ < static_cast<size_t>(options_.concurrency) &&
           num_started_ < options_.num_requests) {
      start_call();
    }
  }

  void start_call() {
    SoakCall call = plan_.draw();
    ++result_.kinds[call.kind];
    ++num_started_;
    ++num_open_;
    size_t slot = exchanges_.size();
    if (free_slots_.empty()) {
      exchanges_.emplace_back();
    } else {
      slot = free_slots_.back();
      free_slots_.pop_back();
    }
    const SoakReference* reference =
        call.num_choices > 0 ? &plan_.references()[call.reference] : nullptr;
    exchanges_[slot] = std::make_unique<SoakExchange>(
        std::move(call),
        reference,
        [this](SoakExchange& exchange, const std::string& problem) { end(exchange, problem); },
        [this](SoakExchange& exchange) { after_piece(exchange); }
    );
    SoakExchange& exchange = *exchanges_[slot];
    exchange.slot = slot;
    const SoakCall& started = exchange.call();
    const int buffer = started.pause > 0.0 ? kSlowReceiveBuffer : 0;
    exchange.id = started.is_alone ? loop_.start_alone(started.bytes, exchange, buffer)
                                   : loop_.start(started.bytes, exchange);
    const Leaves leaves = started.leaves;
    if (leaves != Leaves::kNever && leaves != Leaves::kWithinAnswer) {
      const double hold = leaves == Leaves::kAfterSending ? 0.0 : kHoldSeconds;
      timers_.insert({monotonic_time() + hold, exchange.id, slot, true});
    }
  }

  void after_piece(SoakExchange& exchange) {
    const SoakCall& call = exchange.call();
    if (call.leaves == Leaves::kWithinAnswer && exchange.num_pieces() == call.num_pieces) {
      timers_.insert({0.0, exchange.id, exchange.slot, true});  // from outside its own callback
    }
    if (call.pause > 0.0 && exchange.num_pieces() == 1) {
      loop_.set_reading(exchange.id, false);
      timers_.insert({monotonic_time() + call.pause, exchange.id, exchange.slot, false});
    }
  }

  double next_timer() const {
    if (timers_.empty()) return 0.1;
    return std::clamp(timers_.begin()->at - monotonic_time(), 0.0, 0.1);
  }

  void run_timers() {
    const double now = monotonic_time();
    while (!timers_.empty() && timers_.begin()->at <= now) {
      const Timer timer = *timers_.begin();
      timers_.erase(timers_.begin());
      const bool is_there = exchanges_[timer.slot] && exchanges_[timer.slot]->id == timer.id;
      if (!is_there) continue;  // it has ended
      if (timer.leaves) {
        leave(*exchanges_[timer.slot]);
      } else {
        loop_.set_reading(timer.id, true);
      }
    }
    finished_.clear();
  }

  void leave(SoakExchange& exchange) {
    loop_.abandon(exchange.id);
    ++result_.num_left;
    if (exchange.call().leaves == Leaves::kAfterSending ||
        exchange.call().leaves == Leaves::kWithinAnswer) {
      num_left_choices_ += exchange.call().num_choices;
    }
    free(exchange);
  }

  void end(SoakExchange& exchange, const std::string& problem) {
    const SoakCall& call = exchange.call();
    const bool is_half = call.leaves == Leaves::kWithinHead || call.leaves == Leaves::kWithinBody;
    if (!problem.empty() && !is_half) add_problem(call.kind + ": " + problem);
    ++result_.num_answered;
    if (exchange.status() != 0 && is_counted(call) && !call.may_be_cut) ++num_counted_;
    if (call.may_be_cut || is_half) ++num_uncertain_;
    if (!is_half) result_.num_choices += call.num_choices;
    free(exchange);
  }

  void free(SoakExchange& exchange) {
    ++num_ended_;
    --num_open_;
    last_end_ = monotonic_time();
    free_slots_.push_back(exchange.slot);
    // It may be the one that is calling.
    finished_.push_back(std::move(exchanges_[exchange.slot]));
  }

  void add_problem(std::string problem) {
    ++result_.num_problems;
    if (result_.problems.size() < kMaxProblems) result_.problems.push_back(std::move(problem));
  }

  void take_sample() {
    const auto step =
        std::max<int64_t>(1, options_.num_requests / static_cast<int64_t>(kNumSamples));
    if (num_ended_ < static_cast<int64_t>(result_.resident.size() + 1) * step) return;
    result_.resident.push_back(resident_bytes(options_.pid));
  }

  void check_progress() {
    if (monotonic_time() - last_end_ < kStallSeconds) return;
    throw EnvironmentError(
        fmt::format("No request has ended for {:.0f} s; {} are open.", kStallSeconds, num_open_)
    );
  }

  MetricSamples metrics_when_idle() {
    const double limit = monotonic_time() + kDrainSeconds;
    while (true) {
      MetricSamples samples = parse_metrics(ask(caller_, "/metrics"));
      const bool is_idle = sum_of(samples, "vllm:num_requests_running") == 0.0 &&
                           sum_of(samples, "vllm:num_requests_waiting") == 0.0;
      if (is_idle || monotonic_time() > limit) return samples;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  // Whoever was answered is counted exactly; whoever left is counted once or, having left before
  // the server read the request, not at all.
  void check_metrics(const MetricSamples& before) {
    const MetricSamples after = metrics_when_idle();
    const auto grown = [&](std::string_view name, std::string_view label = "") {
      return sum_of(after, name, label) - sum_of(before, name, label);
    };
    const auto check_between = [&](const char* what, double value, double low, double high) {
      if (value >= low && value <= high) return;
      add_problem(fmt::format("{} counts {}, not {} to {}", what, value, low, high));
    };
    result_.running = sum_of(after, "vllm:num_requests_running");
    result_.waiting = sum_of(after, "vllm:num_requests_waiting");
    check_between("num_requests_running", result_.running, 0.0, 0.0);
    check_between("num_requests_waiting", result_.waiting, 0.0, 0.0);
    result_.http_requests = grown("http_requests_total");
    const auto counted = static_cast<double>(num_counted_);
    const auto uncertain = static_cast<double>(result_.num_left + num_uncertain_);
    check_between("http_requests_total", result_.http_requests, counted, counted + uncertain);
    result_.finished_requests = grown("vllm:request_success_total");
    const auto choices = static_cast<double>(result_.num_choices);
    const auto left = static_cast<double>(num_left_choices_);
    check_between("request_success_total", result_.finished_requests, choices, choices + left);
    const double lengths = grown("vllm:request_success_total", "finished_reason=\"length\"");
    check_between("request_success_total of length", lengths, choices, choices + left);
    check_between("errors of the engine", grown("vllm:request_success_total", "\"error\""), 0, 0);
    check_between("answers 5xx", grown("http_requests_total", "status=\"5xx\""), 0, 0);
  }

  void check_memory() {
    const auto& samples = result_.resident;
    if (samples.size() < 10) return;
    const auto middle = samples.begin() + static_cast<ptrdiff_t>(samples.size() / 2);
    const auto first = static_cast<double>(*std::max_element(samples.begin(), middle));
    const auto second = static_cast<double>(*std::max_element(middle, samples.end()));
    result_.growth = second / first - 1.0;
    if (result_.growth <= options_.max_growth) return;
    add_problem(fmt::format(
        "memory grew by {:.1f} %, from {:.1f} to {:.1f} MiB",
        result_.growth * 100,
        first / (1 << 20),
        second / (1 << 20)
    ));
  }

  const SoakOptions& options_;
  client::Url url_;
  client::ApiCaller caller_;
  client::HttpLoop loop_;
  SoakPlan plan_;
  std::vector<std::unique_ptr<SoakExchange>> exchanges_;  // by slot; nullptr: free
  std::vector<size_t> free_slots_;
  std::vector<std::unique_ptr<SoakExchange>> finished_;  // freed after the turn
  std::set<Timer> timers_;
  SoakResult result_;
  int64_t num_started_ = 0;
  int64_t num_ended_ = 0;
  size_t num_open_ = 0;
  double last_end_ = 0.0;
  int64_t num_counted_ = 0;  // answers that http_requests_total must count
  int64_t num_uncertain_ = 0;  // that it may count
  int64_t num_left_choices_ = 0;  // of completions that the engine may have begun
};

}  // namespace

SoakResult run_soak(const SoakOptions& options) {
  raise_open_file_limit();
  return SoakRun(options).run();
}

std::string SoakResult::to_json() const {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object()
      .field("duration", duration)
      .field("num_answered", num_answered)
      .field("num_left", num_left)
      .field("num_problems", num_problems)
      .field("memory_growth", growth)
      .field("http_requests", http_requests)
      .field("finished_requests", finished_requests)
      .key("kinds")
      .begin_object();
  for (const auto& [kind, number] : kinds)
    writer.field(kind, number);
  writer.end_object().key("resident_bytes").begin_array();
  for (const int64_t bytes : resident)
    writer.value(bytes);
  writer.end_array().key("problems").begin_array();
  for (const std::string& problem : problems)
    writer.value(std::string_view(problem));
  writer.end_array().end_object();
  return json;
}

}  // namespace quire::bench
