#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "client/url.h"

namespace quire::bench {

// When the client goes away.
enum class Leaves : uint8_t {
  kNever,
  kWithinHead,  // having sent half of the request's head
  kWithinBody,  // having sent half of its body
  kAfterSending,
  kWithinAnswer,  // having read a piece of the answer or some
};

// One request of a soak, and what must become of it.
struct SoakCall {
  std::string kind;  // for the report: "chat stream", "bad json" …
  std::string bytes;
  Leaves leaves = Leaves::kNever;
  int num_pieces = 0;  // of the answer, read before it leaves
  double pause = 0.0;  // seconds for which a slow reader reads nothing
  bool is_alone = false;  // on a connection of its own

  std::vector<int> statuses = {200};  // that are right
  bool may_be_cut = false;  // the server may close the connection instead
  bool is_stream = false;
  // Of an answer that is a completion: what each choice says.
  int num_choices = 0;  // 0: no completion
  size_t reference = 0;  // index of the text
  int num_tokens = 0;  // of each choice
};

// What the null runner gives depends on the prompt alone, so every answer can be known beforehand.
struct SoakReference {
  bool is_chat = false;
  std::string prompt;
  int num_tokens = 0;
  std::string text;  // as the server gave it when it had nothing else to do
};

class SoakPlan {
 public:
  // `max_body_size`: what the server refuses to take more of.
  SoakPlan(client::Url url, std::string model, int64_t max_body_size, uint64_t seed);

  std::vector<SoakReference>& references() { return references_; }
  // The request that asks for a reference, and nothing else.
  std::string reference_request(const SoakReference& reference) const;
  SoakCall draw();

 private:
  SoakCall completion(bool may_leave);
  SoakCall slow_reader();
  SoakCall refused();
  SoakCall broken_http();
  SoakCall small_page();
  void leave_somewhere(SoakCall& call);
  std::string body(const SoakReference& reference, int n, bool is_stream) const;
  std::string post(const std::string& path, const std::string& body) const;
  std::string get(const std::string& path) const;
  int pick(int low, int high);  // both possible
  bool chance(double probability);

  client::Url url_;
  std::string model_;
  int64_t max_body_size_;
  std::vector<SoakReference> references_;
  std::mt19937_64 random_;
};

}  // namespace quire::bench
