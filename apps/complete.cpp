#include <iostream>

#include "apps/commands.h"
#include "apps/remote_model.h"
#include "cli/command_line.h"
#include "cli/option_value.h"
#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

void show(RemoteModel& model, const std::string& prompt) {
  model.complete(prompt, [](const std::string& text, bool is_reasoning) {
    print(is_reasoning ? dim(text) : text);
  });
  print("\n");
}

// A prompt a line, from standard input until its end.
int complete_lines(RemoteModel& model) {
  const bool is_interactive = stdin_is_terminal() && stdout_is_terminal();
  bool all_went_well = true;
  std::string line;
  while (true) {
    if (is_interactive) print("> ");
    if (!std::getline(std::cin, line)) break;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      show(model, line);
    } catch (const EnvironmentError& error) {
      print_error("", error.what());
      all_went_well = false;
    }
  }
  if (is_interactive) print("\n");
  return all_went_well ? 0 : 1;
}

}  // namespace
}  // namespace quire::cli

int run_complete(int argc, char** argv) {
  using namespace quire;
  using namespace quire::cli;
  CommandLine command_line("complete", "Completes prompts with a model behind an OpenAI server.");
  RemoteOptions options;
  std::optional<std::string> quick;
  add_remote_options(
      command_line, options, "Address of the server; default http://localhost:8000/v1."
  );
  command_line.add_text("-q,--quick", quick, "Complete this one prompt and exit.");
  command_line.add_sampling_options();
  if (!command_line.parse(argc, argv)) return 0;
  check_utf8("--quick", quick.value_or(""));
  if (!options.url) options.url = "http://localhost:8000/v1";
  RemoteModel model(options, sampling_fields_json(command_line));
  if (!quick) return complete_lines(model);
  show(model, *quick);
  return 0;
}
