#include "apps/commands.h"
#include "cli/command_line.h"
#include "server/server.h"

int run_serve(int argc, char** argv) {
  quire::cli::CommandLine command_line(
      "serve", "Serve a model over HTTP, with the endpoints of OpenAI's API."
  );
  command_line.add_engine_options();
  command_line.add_server_options();
  if (!command_line.parse(argc, argv)) return 0;
  return quire::run_server(command_line.server_config(), command_line.engine_config());
}
