#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/commands.h"
#include "apps/text_input.h"
#include "base/json_writer.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/tokenizer.h"

namespace {

using namespace quire;

std::string as_json(const std::vector<int32_t>& ids) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("token_ids").begin_array();
  for (int32_t id : ids) {
    json.value(id);
  }
  json.end_array().end_object();
  return out;
}

}  // namespace

int run_tokenize(int argc, char** argv) {
  cli::CommandLine command_line("tokenize", "Prints the token ids of a text.");
  std::optional<std::string> path;
  std::optional<std::string> file;
  bool json = false;
  bool special_tokens = true;
  command_line.add_text("tokenizer", path, "Model folder, or a tokenizer.json alone.");
  command_line.add_text("file", file, "File with the text; - for standard input.");
  command_line.add_switch(
      "special-tokens", special_tokens, "Add what is put around a text (bos, [CLS] …)."
  );
  command_line.add_switch("json", json, "Print {\"token_ids\": […]} instead of the ids alone.");
  if (!command_line.parse(argc, argv)) return 0;
  command_line.require("tokenizer");
  command_line.require("file");

  const auto tokenizer = std::filesystem::is_directory(*path) ? Tokenizer::from_dir(*path)
                                                              : Tokenizer::from_file(*path);
  const std::vector<int32_t> ids = tokenizer->encode(read_input(*file), special_tokens);
  cli::print((json ? as_json(ids) : fmt::format("{}", fmt::join(ids, " "))) + "\n");
  return 0;
}
