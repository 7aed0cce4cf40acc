#include "bench/block_trace.h"

#include <algorithm>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/math.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr int kMaxInputTokens = 1 << 24;

[[noreturn]] void fail(int line, std::string_view problem) {
  throw InvalidArgument("trace", fmt::format("line {}: {}.", line, problem));
}

int integer(const simdjson::dom::object& object, std::string_view name, int min, int line) {
  int64_t value = 0;
  if (object[name].get(value) != simdjson::SUCCESS || value < min || value > kMaxInputTokens) {
    fail(line, fmt::format("{} must be a number from {} to {}", name, min, kMaxInputTokens));
  }
  return static_cast<int>(value);
}

std::vector<int32_t> hash_ids_of(const simdjson::dom::object& object, int line) {
  simdjson::dom::array array;
  if (object["hash_ids"].get(array) != simdjson::SUCCESS) fail(line, "hash_ids must be a list");
  std::vector<int32_t> ids;
  for (const simdjson::dom::element element : array) {
    int64_t id = 0;
    if (element.get(id) != simdjson::SUCCESS || id < 0 ||
        id > std::numeric_limits<int32_t>::max()) {
      fail(line, "hash_ids must be numbers from 0 to 2147483647");
    }
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

double arrival_of(const simdjson::dom::object& object, int line) {
  simdjson::dom::element timestamp;
  if (object["timestamp"].get(timestamp) != simdjson::SUCCESS) return 0.0;
  double milliseconds = 0.0;
  if (timestamp.get(milliseconds) != simdjson::SUCCESS || milliseconds < 0.0) {
    fail(line, "timestamp must be a number of milliseconds");
  }
  return milliseconds / 1e3;
}

BlockTraceRequest parse_line(simdjson::dom::parser& parser, std::string_view text, int line) {
  simdjson::dom::object object;
  if (parser.parse(text.data(), text.size()).get(object) != simdjson::SUCCESS) {
    fail(line, "not a JSON object");
  }
  BlockTraceRequest request;
  request.arrival = arrival_of(object, line);
  request.num_input_tokens = integer(object, "input_length", 1, line);
  request.num_output_tokens = integer(object, "output_length", 0, line);
  request.hash_ids = hash_ids_of(object, line);
  const int num_blocks = ceil_div(request.num_input_tokens, kTraceBlockTokens);
  if (static_cast<int>(request.hash_ids.size()) != num_blocks) {
    fail(
        line,
        fmt::format(
            "{} hash_ids for {} tokens, which are {} blocks of {}",
            request.hash_ids.size(),
            request.num_input_tokens,
            num_blocks,
            kTraceBlockTokens
        )
    );
  }
  return request;
}

// The first two tokens tell the id, so that no two blocks are alike; the others have the sizes of
// ordinary token ids.
void append_block(int32_t hash_id, int num_tokens, std::vector<int32_t>& token_ids) {
  constexpr int32_t kBase = 1 << 16;
  uint32_t state = static_cast<uint32_t>(hash_id);
  for (int i = 0; i < num_tokens; ++i) {
    state = state * 1664525u + 1013904223u;
    const int32_t any = static_cast<int32_t>(state >> 15);
    token_ids.push_back(i == 0 ? hash_id % kBase : i == 1 ? hash_id / kBase : any);
  }
}

}  // namespace

std::vector<BlockTraceRequest> parse_block_trace(std::string_view json_lines) {
  simdjson::dom::parser parser;
  std::vector<BlockTraceRequest> requests;
  for (int line = 1; !json_lines.empty(); ++line) {
    const size_t length = std::min(json_lines.find('\n'), json_lines.size());
    const std::string_view text = json_lines.substr(0, length);
    json_lines.remove_prefix(std::min(length + 1, json_lines.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    requests.push_back(parse_line(parser, text, line));
  }
  return requests;
}

void make_prompt(const BlockTraceRequest& request, std::vector<int32_t>& token_ids) {
  token_ids.clear();
  token_ids.reserve(request.num_input_tokens);
  int num_left = request.num_input_tokens;
  for (const int32_t hash_id : request.hash_ids) {
    append_block(hash_id, std::min(num_left, kTraceBlockTokens), token_ids);
    num_left -= kTraceBlockTokens;
  }
}

}  // namespace quire::bench
