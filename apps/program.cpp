#include "apps/program.h"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/version.h"
#include "base/env.h"
#include "base/log.h"
#include "bench/commands.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

struct Command {
  const char* name;
  int (*run)(int argc, char** argv);
  const char* help;
};

constexpr std::array kCommands = {
    Command{"serve", run_serve, "Serve a model to OpenAI clients over HTTP."},
    Command{"generate", run_generate, "Complete prompts, or the requests of a file."},
    Command{"chat", run_chat, "Talk with a model."},
    Command{"complete", run_complete, "Complete prompts with a model behind a server."},
    Command{"run-batch", run_run_batch, "Answer the requests of an OpenAI batch file."},
    Command{"tokenize", run_tokenize, "Turn text into token ids."},
    Command{"render-chat", run_render_chat, "Render a conversation with a chat template."},
    Command{"bench", run_bench, "Measure: serve, throughput, latency."},
    Command{"migrate-check", run_migrate_check, "Say what becomes of a script or line for vLLM."},
    Command{"collect-env", run_collect_env, "Print what a bug report should tell of this machine."},
};

// Commands of vLLM that this program does not have, and what to do instead.
struct AbsentCommand {
  const char* name;
  const char* instead;
};
constexpr std::array kAbsentCommands = {
    AbsentCommand{"launch", "use quire render-chat and quire tokenize, which need no model"},
};

void print_help() {
  fmt::print(
      "quire {}: the vLLM V1 engine in C++\n\nUsage: quire COMMAND [OPTIONS]\n\nCommands:\n",
      kVersion
  );
  for (const Command& command : kCommands)
    fmt::print("  {:<14}{}\n", command.name, command.help);
  fmt::print(
      "\nOptions:\n  -h, --help    Print this help; quire COMMAND --help for a command's.\n"
      "  -v, --version Print the version.\n\nEnvironment:\n"
  );
  for (const auto& variable : env::variables()) {
    fmt::print("  {:<30} {}\n", variable.name, variable.help);
  }
}

int fail_unknown(std::string_view name) {
  for (const AbsentCommand& absent : kAbsentCommands) {
    if (name != absent.name) continue;
    print_error(name, fmt::format("not supported: {}.", absent.instead));
    return 1;
  }
  std::vector<std::string> known;
  for (const Command& command : kCommands)
    known.emplace_back(command.name);
  print_error(
      name, fmt::format("quire has no such command.{} See quire --help.", did_you_mean(name, known))
  );
  return 1;
}

int dispatch(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "--help";
  if (name == "--help" || name == "-h" || name == "help") {
    print_help();
    return 0;
  }
  if (name == "--version" || name == "-v") {
    fmt::print("{}\n", kVersion);
    return 0;
  }
  for (const Command& command : kCommands) {
    if (name == command.name) return command.run(argc - 1, argv + 1);
  }
  return fail_unknown(name);
}

}  // namespace
}  // namespace quire::cli

namespace quire {

int run_program(int argc, char** argv) {
  try {
    init_logging();
    for (const std::string& name : env::unknown_vllm_variables()) {
      QUIRE_LOG_WARN("The environment variable {} means nothing to quire.", name);
    }
    const int exit_code = cli::dispatch(argc, argv);
    cli::flush_stdout();
    return exit_code;
  } catch (const InvalidArgument& error) {
    cli::print_error(error.field(), error.what());
  } catch (const std::exception& error) {
    cli::print_error("", error.what());
  }
  return 1;
}

}  // namespace quire
