#include <array>
#include <limits>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/math.h"
#include "bench/benchmarks.h"
#include "bench/block_replay.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr int kWasteBlockSizes[] = {16, 32, 64, 128};

struct Options {
  std::optional<std::string> trace;
  int num_blocks = 0;
  int block_size = kTraceBlockTokens;
  std::optional<std::string> hash_algo;
  std::optional<std::string> output_json;
};

PrefixCachingHashAlgo hash_algo_of(const std::string& name) {
  if (name == "sha256" || name == "sha256_cbor") return PrefixCachingHashAlgo::kSha256Cbor;
  if (name == "xxhash" || name == "xxhash_cbor") return PrefixCachingHashAlgo::kXxhash;
  throw InvalidArgument(
      "--prefix-caching-hash-algo", fmt::format("'{}' is not known. Use sha256 or xxhash.", name)
  );
}

ReplayOptions check(const Options& options, std::span<const BlockTraceRequest> requests) {
  if (options.num_blocks != 0 && options.num_blocks < 2) {
    throw InvalidArgument(
        "--num-blocks",
        fmt::format(
            "must be 0 (as many as are needed) or at least 2, one of which is the null block, got "
            "{}.",
            options.num_blocks
        )
    );
  }
  if (!is_power_of_two(options.block_size)) {
    throw InvalidArgument(
        "--block-size", fmt::format("must be a power of two, got {}.", options.block_size)
    );
  }
  if (requests.empty()) throw InvalidArgument("--trace", "The file holds no request.");
  return {
      .num_blocks = options.num_blocks,
      .block_size = options.block_size,
      .hash_algo = hash_algo_of(options.hash_algo.value_or("sha256")),
  };
}

double per_second(int64_t number, double seconds) {
  return seconds > 0.0 ? static_cast<double>(number) / seconds : 0.0;
}

void print(const ReplayResult& result, std::span<const BlockTraceRequest> requests) {
  cli::print(fmt::format(
      "{} requests, {} prompt tokens, {} full blocks; cache of {} blocks, the null block included\n"
      "Block hits: {} ({:.3f} %), {} requests refused\n"
      "Block operations: {} in {:.3f} s, {:.1f} million per second\n"
      "Hashing: {:.3f} s, {:.1f} million tokens per second\n",
      result.num_requests,
      result.num_prompt_tokens,
      result.num_full_blocks,
      result.num_blocks,
      result.num_hit_blocks,
      100.0 * result.block_hit_rate(),
      result.num_refused_requests,
      result.num_block_operations,
      result.block_seconds,
      per_second(result.num_block_operations, result.block_seconds) / 1e6,
      result.hash_seconds,
      per_second(result.num_prompt_tokens, result.hash_seconds) / 1e6
  ));
  cli::print("KV slots without a token, from the end of each prompt to its last token:\n");
  for (const int block_size : kWasteBlockSizes) {
    cli::print(fmt::format(
        "  blocks of {:>3} tokens (V1 and V0) {:>8.3f} %\n",
        block_size,
        100.0 * paged_waste(requests, block_size)
    ));
  }
  cli::print(fmt::format(
      "  one piece of the greatest length   {:>8.3f} %\n", 100.0 * contiguous_waste(requests)
  ));
}

std::string to_json(const ReplayResult& result, std::span<const BlockTraceRequest> requests) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object()
      .field("block_hit_rate", result.block_hit_rate())
      .field("num_hit_blocks", result.num_hit_blocks)
      .field("num_full_blocks", result.num_full_blocks)
      .field("num_blocks", result.num_blocks)
      .field("num_requests", result.num_requests)
      .field("num_refused_requests", result.num_refused_requests)
      .field("num_prompt_tokens", result.num_prompt_tokens)
      .field("num_block_operations", result.num_block_operations)
      .field(
          "block_operations_per_second",
          per_second(result.num_block_operations, result.block_seconds)
      )
      .field("hashed_tokens_per_second", per_second(result.num_prompt_tokens, result.hash_seconds))
      .key("kv_slots_without_token")
      .begin_array();
  for (const int block_size : kWasteBlockSizes) {
    writer.begin_object()
        .field("allocator", "paged")
        .field("block_size", block_size)
        .field("share", paged_waste(requests, block_size))
        .end_object();
  }
  writer.begin_object()
      .field("allocator", "contiguous")
      .field("share", contiguous_waste(requests))
      .end_object()
      .end_array()
      .end_object();
  return json;
}

}  // namespace

int run_replay_trace(int argc, char** argv) {
  cli::CommandLine command_line(
      "bench replay-trace",
      "Replays the prompts of a trace through the KV cache, one request after the other, and "
      "counts "
      "the cached blocks that they hit."
  );
  Options options;
  command_line.add_text(
      "trace", options.trace, "JSON lines with input_length, output_length and hash_ids (required)."
  );
  command_line.add_int(
      "num-blocks", options.num_blocks, "Blocks of the cache with the null block; 0: no limit."
  );
  command_line.add_int("block-size", options.block_size, "Tokens per block.");
  command_line.add_text(
      "prefix-caching-hash-algo", options.hash_algo, "sha256 (default) or xxhash."
  );
  command_line.add_text("output-json", options.output_json, "File for the result.");
  if (!command_line.parse(argc, argv)) return 0;
  command_line.require("trace");
  check_json_path(options.output_json);
  const std::vector<BlockTraceRequest> requests = parse_block_trace(read_file(*options.trace));
  const ReplayResult result = replay(requests, check(options, requests));
  print(result, requests);
  if (options.output_json) write_json(*options.output_json, to_json(result, requests));
  return 0;
}

}  // namespace quire::bench
