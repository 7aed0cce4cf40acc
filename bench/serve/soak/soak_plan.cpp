#include "bench/serve/soak/soak_plan.h"

#include <iterator>

#include <fmt/format.h>

#include "base/json_writer.h"

namespace quire::bench {
namespace {

constexpr int kNumPrompts = 48;
constexpr int kLengths[] = {1, 3, 8, 20, 120};
constexpr int kSlowLength = 120;  // tokens for a slow reader

// Where in the request the client breaks off.
size_t cut_at(const std::string& bytes, Leaves leaves) {
  const size_t head = bytes.find("\r\n\r\n") + 4;
  return leaves == Leaves::kWithinHead ? head / 2 : head + (bytes.size() - head) / 2;
}

}  // namespace

SoakPlan::SoakPlan(client::Url url, std::string model, int64_t max_body_size, uint64_t seed)
    : url_(std::move(url)), model_(std::move(model)), max_body_size_(max_body_size), random_(seed) {
  for (const bool is_chat : {false, true}) {
    for (int i = 0; i < kNumPrompts; ++i) {
      std::string prompt = fmt::format("Request number {} tells", i);
      for (int word = 0; word < i % 12; ++word)
        prompt += fmt::format(" thing {}", (i * 31 + word) % 97);
      for (const int length : kLengths)
        references_.push_back({is_chat, prompt, length, ""});
    }
  }
}

int SoakPlan::pick(int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random_);
}

bool SoakPlan::chance(double probability) {
  return std::bernoulli_distribution(probability)(random_);
}

std::string SoakPlan::post(const std::string& path, const std::string& body) const {
  return fmt::format(
      "POST {}{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: "
      "{}\r\n\r\n{}",
      url_.path,
      path,
      url_.authority(),
      body.size(),
      body
  );
}

std::string SoakPlan::get(const std::string& path) const {
  return fmt::format("GET {}{} HTTP/1.1\r\nHost: {}\r\n\r\n", url_.path, path, url_.authority());
}

std::string SoakPlan::body(const SoakReference& reference, int n, bool is_stream) const {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().field("model", std::string_view(model_));
  if (reference.is_chat) {
    writer.key("messages").begin_array().begin_object().field("role", "user");
    writer.field("content", std::string_view(reference.prompt)).end_object().end_array();
  } else {
    writer.field("prompt", std::string_view(reference.prompt));
  }
  writer.field("max_tokens", reference.num_tokens).field("ignore_eos", true);
  if (n > 1) writer.field("n", n).field("temperature", 1.0);
  if (is_stream) {
    writer.field("stream", true).key("stream_options").begin_object();
    writer.field("include_usage", true).end_object();
  }
  writer.end_object();
  return json;
}

std::string SoakPlan::reference_request(const SoakReference& reference) const {
  const char* path = reference.is_chat ? "/v1/chat/completions" : "/v1/completions";
  return post(path, body(reference, 1, false));
}

SoakCall SoakPlan::completion(bool may_leave) {
  SoakCall call;
  call.reference = static_cast<size_t>(pick(0, static_cast<int>(references_.size()) - 1));
  const SoakReference& reference = references_[call.reference];
  call.is_stream = chance(0.6);
  call.num_choices = chance(0.15) ? pick(2, 4) : 1;
  call.num_tokens = reference.num_tokens;
  call.kind = fmt::format(
      "{}{}{}",
      reference.is_chat ? "chat" : "completion",
      call.is_stream ? " stream" : "",
      call.num_choices > 1 ? " n" : ""
  );
  const char* path = reference.is_chat ? "/v1/chat/completions" : "/v1/completions";
  call.bytes = post(path, body(reference, call.num_choices, call.is_stream));
  if (may_leave) leave_somewhere(call);
  return call;
}

void SoakPlan::leave_somewhere(SoakCall& call) {
  constexpr Leaves kStages[] = {
      Leaves::kWithinHead, Leaves::kWithinBody, Leaves::kAfterSending, Leaves::kWithinAnswer};
  call.leaves = kStages[pick(0, static_cast<int>(std::size(kStages)) - 1)];
  call.kind += " left";
  call.is_alone = true;
  call.num_pieces = pick(1, 5);
  if (call.leaves == Leaves::kWithinHead || call.leaves == Leaves::kWithinBody) {
    call.bytes.resize(cut_at(call.bytes, call.leaves));
  }
}

SoakCall SoakPlan::slow_reader() {
  SoakCall call;
  const size_t first = static_cast<size_t>(pick(0, 2 * kNumPrompts - 1)) * std::size(kLengths);
  call.reference = first + std::size(kLengths) - 1;
  call.kind = "slow reader";
  call.is_stream = true;
  call.is_alone = true;
  call.num_choices = 4;
  call.num_tokens = kSlowLength;
  call.pause = 0.05 * pick(1, 10);
  const SoakReference& reference = references_[call.reference];
  const char* path = reference.is_chat ? "/v1/chat/completions" : "/v1/completions";
  call.bytes = post(path, body(reference, call.num_choices, true));
  return call;
}

SoakCall SoakPlan::refused() {
  SoakCall call;
  call.statuses = {400};
  const std::string prompt = R"("prompt":"x","max_tokens":3)";
  const std::string model = fmt::format(R"("model":"{}")", model_);
  switch (pick(0, 6)) {
    case 0:
      call.kind = "bad json";
      call.bytes = post("/v1/completions", "{" + model + R"(,"prompt":"x)");
      break;
    case 1:
      call.kind = "wrong type";
      call.bytes = post("/v1/completions", "{" + model + R"(,"prompt":"x","max_tokens":"many"})");
      break;
    case 2:
      call.kind = "unknown model";
      call.statuses = {404};
      call.bytes = post("/v1/completions", R"({"model":"no such",)" + prompt + "}");
      break;
    case 3:
      call.kind = "too long a prompt";
      call.bytes = post(
          "/v1/completions", "{" + model + R"(,"prompt":")" + std::string(100000, 'a') + R"( b c"})"
      );
      break;
    case 4:
      call.kind = "deep json";
      call.bytes = post(
          "/v1/completions",
          "{" + model + R"(,"prompt":)" + std::string(5000, '[') + std::string(5000, ']') + "}"
      );
      break;
    case 5:
      call.kind = "bad utf-8";
      call.bytes = post("/v1/completions", "{" + model + ",\"prompt\":\"\xff\xfe\"}");
      break;
    default:
      call.kind = "no prompt";
      call.bytes = post("/v1/chat/completions", "{" + model + R"(,"messages":[]})");
      break;
  }
  return call;
}

SoakCall SoakPlan::broken_http() {
  SoakCall call;
  call.is_alone = true;
  call.may_be_cut = true;
  call.statuses = {400};
  const std::string host = "Host: " + url_.authority() + "\r\n";
  switch (pick(0, 3)) {
    case 0:
      call.kind = "no http";
      call.bytes = std::string("\x16\x03\x01\x02 not HTTP at all\r\n\r\n");
      break;
    case 1:
      call.kind = "two lengths";
      call.bytes = "POST /v1/completions HTTP/1.1\r\n" + host +
                   "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
      break;
    case 2:
      call.kind = "long head";
      call.statuses = {400, 431};
      call.bytes =
          "GET /health HTTP/1.1\r\n" + host + "X: " + std::string(200000, 'x') + "\r\n\r\n";
      break;
    default:
      call.kind = "body too large";
      call.statuses = {413};
      call.bytes = fmt::format(
          "POST /v1/completions HTTP/1.1\r\n{}Content-Type: application/json\r\nContent-Length: "
          "{}\r\n\r\n{{",
          host,
          max_body_size_ + 1
      );
      break;
  }
  return call;
}

SoakCall SoakPlan::small_page() {
  SoakCall call;
  switch (pick(0, 3)) {
    case 0:
      call.kind = "health";
      call.bytes = get("/health");
      break;
    case 1:
      call.kind = "models";
      call.bytes = get("/v1/models");
      break;
    case 2:
      call.kind = "no such path";
      call.statuses = {404};
      call.bytes = get("/v1/nothing");
      break;
    default:
      call.kind = "tokenize";
      call.bytes =
          post("/tokenize", fmt::format(R"({{"model":"{}","prompt":"one two three"}})", model_));
      break;
  }
  return call;
}

SoakCall SoakPlan::draw() {
  const int percent = pick(0, 99);
  if (percent < 72) return completion(false);
  if (percent < 84) return completion(true);
  if (percent < 86) return slow_reader();
  if (percent < 93) return refused();
  if (percent < 95) return broken_http();
  return small_page();
}

}  // namespace quire::bench
