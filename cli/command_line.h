#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/engine_config.h"
#include "quire/sampling_params.h"
#include "quire/server_config.h"

namespace quire::cli {

// The options of one subcommand. Names may be written with - or _; a switch --x has a --no-x; an
// option that takes a JSON object has --x.key value too.
class CommandLine {
 public:
  CommandLine(std::string name, std::string description);
  ~CommandLine();

  // Every field of EngineConfig and SamplingParams as an option. With both, --seed is the engine's.
  // With the engine's come --config, and vLLM's options that are taken with one value only.
  void add_engine_options();
  void add_sampling_options();
  // Every field of ServerConfig; the model may then stand alone, without --model.
  void add_server_options();

  // An option of the command itself, in its own group of --help.
  void add_text(const std::string& name, std::optional<std::string>& value, const char* help);
  void add_texts(const std::string& name, std::vector<std::string>& values, const char* help);
  void add_int(const std::string& name, int& value, const char* help);
  void add_optional_int(const std::string& name, std::optional<int>& value, const char* help);
  void add_number(const std::string& name, double& value, const char* help);
  void add_switch(const std::string& name, bool& value, const char* help);

  // False: --help was asked for and printed. Throws InvalidArgument, and EnvironmentError when the
  // file of --config cannot be read.
  [[nodiscard]] bool parse(int argc, char** argv);

  EngineConfig engine_config() const;
  // With what the environment says of it. Throws InvalidArgument for values no server works with.
  ServerConfig server_config() const;
  // Sets the fields that were given.
  void apply_to(SamplingParams& params) const;
  // Throws InvalidArgument for values that no model could serve.
  void check_sampling_options() const;
  // Throws InvalidArgument unless the option was given.
  void require(const std::string& name) const;
  bool was_given(const std::string& name) const;  // "max_tokens" or "--max-tokens"
  std::string help() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire::cli
