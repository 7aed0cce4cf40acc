#include <fmt/format.h>

#include "bench/benchmarks.h"
#include "bench/serve/soak/soak_run.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::bench {

int run_soak_command(int argc, char** argv) {
  cli::CommandLine command_line(
      "bench soak",
      "Sends requests of every kind, right and wrong, to a server with --load-format null and "
      "checks every answer, its memory and its counts."
  );
  SoakOptions options;
  std::optional<std::string> url;
  std::optional<std::string> output_json;
  int num_requests = static_cast<int>(options.num_requests);
  int max_body_size = static_cast<int>(options.max_body_size);
  int seed = 0;
  command_line.add_text("url", url, "http://HOST:PORT of the server (required).");
  command_line.add_int("pid", options.pid, "Its process, whose memory is watched (required).");
  command_line.add_int("num-requests", num_requests, "Number of requests.");
  command_line.add_int("concurrency", options.concurrency, "Requests at once.");
  command_line.add_int("max-body-size", max_body_size, "As the server was told.");
  command_line.add_number("max-growth", options.max_growth, "Of memory; 0.05 is 5 %.");
  command_line.add_int("seed", seed, "Seed of the requests.");
  command_line.add_text("output-json", output_json, "File for the result.");
  if (!command_line.parse(argc, argv)) return 0;
  command_line.require("url");
  command_line.require("pid");
  if (num_requests < 1) throw InvalidArgument("--num-requests", "must be at least 1.");
  if (options.concurrency < 1) throw InvalidArgument("--concurrency", "must be at least 1.");
  check_json_path(output_json);
  options.url = *url;
  options.num_requests = num_requests;
  options.max_body_size = max_body_size;
  options.seed = static_cast<uint64_t>(seed);
  const SoakResult result = run_soak(options);
  for (const auto& [kind, number] : result.kinds)
    cli::print(fmt::format("{:<28}{:>10}\n", kind, number));
  cli::print(fmt::format(
      "{} answered, {} left, in {:.1f} s; memory {:+.1f} %\n",
      result.num_answered,
      result.num_left,
      result.duration,
      result.growth * 100
  ));
  for (const std::string& problem : result.problems)
    cli::print_error("", problem);
  cli::print(fmt::format("{} problems\n", result.num_problems));
  if (output_json) write_json(*output_json, result.to_json());
  return result.is_good() ? 0 : 1;
}

}  // namespace quire::bench
