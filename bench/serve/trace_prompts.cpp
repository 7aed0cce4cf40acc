#include "bench/serve/trace_prompts.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/file.h"
#include "bench/arrival_trace.h"
#include "bench/block_trace.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

class PromptMaker {
 public:
  PromptMaker(const PromptSource& source, uint64_t seed)
      : ids_(plain_token_ids(source)), seed_(seed) {}

  // Tokens that `key` alone decides.
  void append(uint64_t key, int number, std::vector<int32_t>& token_ids) const {
    std::mt19937_64 random(seed_ * 0x9e3779b97f4a7c15ULL + key);
    for (int i = 0; i < number; ++i)
      token_ids.push_back(ids_[random() % ids_.size()]);
  }

 private:
  std::vector<int32_t> ids_;
  uint64_t seed_;
};

int scaled(int number, double factor) {
  return std::max(1, static_cast<int>(std::floor(number * factor)));
}

std::vector<TraceCall> read_arrivals(
    const std::string& text, const PromptSource& source, const PromptMaker& maker
) {
  const std::vector<TracedRequest> requests = parse_arrival_trace(text);
  const double factor = length_scale(requests, source.max_model_len);
  std::vector<TraceCall> calls;
  for (const TracedRequest& request : requests) {
    if (request.num_generated_tokens == 0) continue;
    TraceCall& call = calls.emplace_back();
    call.arrival = request.arrival;
    maker.append(calls.size(), scaled(request.num_context_tokens, factor), call.token_ids);
    call.num_output_tokens = scaled(request.num_generated_tokens, factor);
  }
  return calls;
}

std::vector<TraceCall> read_blocks(
    const std::string& text, const PromptSource& source, const PromptMaker& maker
) {
  const std::vector<BlockTraceRequest> requests = parse_block_trace(text);
  int longest = 1;
  for (const BlockTraceRequest& request : requests)
    longest = std::max(longest, request.num_input_tokens + request.num_output_tokens);
  const double factor = std::min(1.0, static_cast<double>(source.max_model_len) / longest);
  std::vector<TraceCall> calls;
  for (const BlockTraceRequest& request : requests) {
    if (request.num_output_tokens == 0) continue;
    TraceCall& call = calls.emplace_back();
    call.arrival = request.arrival - requests.front().arrival;
    int num_left = request.num_input_tokens;
    for (const int32_t id : request.hash_ids) {
      const int num_tokens = std::min(num_left, kTraceBlockTokens);
      num_left -= num_tokens;
      const int number = static_cast<int>(std::floor(num_tokens * factor));
      maker.append(static_cast<uint64_t>(id), number, call.token_ids);
    }
    if (call.token_ids.empty()) maker.append(0, 1, call.token_ids);
    call.num_output_tokens = scaled(request.num_output_tokens, factor);
  }
  return calls;
}

}  // namespace

std::vector<TraceCall> read_trace_calls(
    const std::string& path, const PromptSource& source, uint64_t seed
) {
  const std::string text = read_file(path);
  const PromptMaker maker(source, seed);
  std::vector<TraceCall> calls =
      text.starts_with('{') ? read_blocks(text, source, maker) : read_arrivals(text, source, maker);
  if (calls.empty()) throw InvalidArgument("--dataset-path", path + " holds no request.");
  std::ranges::stable_sort(calls, {}, &TraceCall::arrival);
  return calls;
}

}  // namespace quire::bench
