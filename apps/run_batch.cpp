#include <fmt/format.h>

#include "apps/batch_run.h"
#include "apps/commands.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/error.h"
#include "server/server.h"

namespace quire::cli {
namespace {

struct BatchOptions {
  std::optional<std::string> input_file;
  std::optional<std::string> output_file;
  bool overwrite = false;
  int max_concurrency = 256;
};

void add_options(CommandLine& command_line, BatchOptions& options) {
  command_line.add_text(
      "-i,--input-file",
      options.input_file,
      "OpenAI batch file: JSON lines with custom_id, method, url and body (required)."
  );
  command_line.add_text(
      "-o,--output-file",
      options.output_file,
      "File for the answers (required). A run that was interrupted goes on where it stopped."
  );
  command_line.add_switch("overwrite", options.overwrite, "Forget what the output file holds.");
  command_line.add_int("max-concurrency", options.max_concurrency, "Requests at once at most.");
}

// Options of a server that only mean something to its sockets and logs.
constexpr const char* kSocketOptions[] = {
    "host",
    "port",
    "uds",
    "api_server_count",
    "ssl_keyfile",
    "ssl_certfile",
    "ssl_ca_certs",
    "ssl_cert_reqs",
    "ssl_ciphers",
    "root_path",
    "api_key",
    "allow_credentials",
    "allowed_origins",
    "allowed_methods",
    "allowed_headers",
    "enable_request_id_headers",
    "enable_dev_endpoints",
    "disable_fastapi_docs",
    "max_body_size",
    "h11_max_incomplete_event_size",
    "h11_max_header_count",
    "timeout_header",
    "timeout_body",
    "timeout_keep_alive",
    "timeout_write",
    "shutdown_timeout",
    "max_queue_size",
    "max_pending_tokens",
    "watchdog_timeout",
    "watchdog_action",
    "enable_server_load_tracking",
    "enable_tokenizer_info_endpoint",
    "disable_uvicorn_access_log",
    "disable_access_log_for_endpoints",
    "enable_log_requests",
    "enable_log_outputs",
    "max_log_len",
    "log_format",
};

void refuse_socket_options(const CommandLine& command_line) {
  for (const char* name : kSocketOptions) {
    if (!command_line.was_given(name)) continue;
    throw InvalidArgument(
        name, "run-batch opens no socket and logs no requests. Leave this out, or use quire serve."
    );
  }
}

void check(const CommandLine& command_line, const BatchOptions& options) {
  command_line.require("input-file");
  command_line.require("output-file");
  if (options.max_concurrency < 1 || options.max_concurrency > 4096) {
    throw InvalidArgument("--max-concurrency", "must be between 1 and 4096.");
  }
  const auto refuse_address = [](const char* option, const std::string& name) {
    if (name.find("://") == std::string::npos) return;
    throw InvalidArgument(option, "Files are read and written here. Copy it with curl.");
  };
  refuse_address("--input-file", *options.input_file);
  refuse_address("--output-file", *options.output_file);
}

int report(const BatchRun& run, const std::optional<std::string>& dead_reason) {
  if (run.was_stopped()) {
    print_error("", dead_reason.value_or("The run was stopped."));
    print_note("What was answered is kept: the same command goes on from there.");
    return 1;
  }
  print_note(fmt::format(
      "{} requests, {} answered by an earlier run, {} failed.",
      run.num_requests(),
      run.num_answered_before(),
      run.num_failed()
  ));
  if (run.num_bad_lines() == 0) return 0;
  print_error(
      "--input-file",
      fmt::format(
          "Lines that are no requests: {}. Their records in the output say why.",
          run.num_bad_lines()
      )
  );
  return 1;
}

}  // namespace
}  // namespace quire::cli

int run_run_batch(int argc, char** argv) {
  using namespace quire;
  using namespace quire::cli;
  CommandLine command_line("run-batch", "Answers the requests of an OpenAI batch file.");
  BatchOptions options;
  add_options(command_line, options);
  command_line.add_engine_options();
  command_line.add_server_options();
  if (!command_line.parse(argc, argv)) return 0;
  check(command_line, options);
  refuse_socket_options(command_line);
  const EngineConfig config = command_line.engine_config();
  const ServerConfig server_config = command_line.server_config();
  BatchRun run(*options.input_file, *options.output_file, options.overwrite);  // before the model
  AsyncEngine engine(config);
  const InprocServer server(server_config, engine, config.model);
  const auto answer = [&](const client::BatchRequest& request
                      ) -> std::optional<client::BatchResponse> {
    InprocServer::Response response = server.post(request.url, request.body);
    // What a dead engine could not answer is asked again by the next run.
    if (engine.dead_reason()) return std::nullopt;
    client::BatchResponse record;
    record.custom_id = request.custom_id;
    record.status_code = response.status;
    record.request_id = std::move(response.request_id);
    record.body = std::move(response.body);
    return record;
  };
  run.run(options.max_concurrency, answer, true);
  return report(run, engine.dead_reason());
}
