#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace quire::bench {

// One request of a trace that tells, block by block, which prompts begin alike.
struct BlockTraceRequest {
  double arrival = 0.0;  // seconds, if the line has a `timestamp`, which is milliseconds
  int num_input_tokens = 0;
  int num_output_tokens = 0;
  // One per kTraceBlockTokens tokens of the input, the last of which may be fewer. Equal ids are
  // equal tokens behind equal tokens.
  std::vector<int32_t> hash_ids;
};

inline constexpr int kTraceBlockTokens = 512;

// A line is a JSON object with input_length, output_length and hash_ids, as Mooncake publishes
// them; empty lines are passed over. Throws InvalidArgument (field "trace") with the line's number.
std::vector<BlockTraceRequest> parse_block_trace(std::string_view json_lines);

// Replaces `token_ids` by the request's prompt: made up, but equal where the trace says so and
// different where it does not.
void make_prompt(const BlockTraceRequest& request, std::vector<int32_t>& token_ids);

}  // namespace quire::bench
