#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/json_writer.h"
#include "commands.h"
#include "quire/tokenizer.h"
#include "text_input.h"

namespace {

using namespace quire;

std::string as_json(const std::vector<int32_t>& ids) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("token_ids").begin_array();
  for (int32_t id : ids)
    json.value(id);
  json.end_array().end_object();
  return out;
}

std::string as_words(const std::vector<int32_t>& ids) {
  std::string out;
  for (int32_t id : ids) {
    if (!out.empty()) out += ' ';
    out += std::to_string(id);
  }
  return out;
}

}  // namespace

int run_tokenize(int argc, char** argv) {
  CLI::App app("Print the token ids of a text", "quire tokenize");
  std::string tokenizer_path;
  std::string file;
  bool json = false;
  bool no_special_tokens = false;
  app.add_option("--tokenizer", tokenizer_path, "Model folder, or a tokenizer.json alone")
      ->required();
  app.add_option("--file", file, "File with the text; - for standard input")->required();
  app.add_flag(
      "--no-special-tokens", no_special_tokens, "Leave out what is put around a text (bos, [CLS] …)"
  );
  app.add_flag("--json", json, "Print {\"token_ids\": […]} instead of the ids alone");
  CLI11_PARSE(app, argc, argv);

  const auto tokenizer = std::filesystem::is_directory(tokenizer_path)
                             ? Tokenizer::from_dir(tokenizer_path)
                             : Tokenizer::from_file(tokenizer_path);
  const std::vector<int32_t> ids = tokenizer->encode(read_input(file), !no_special_tokens);
  std::cout << (json ? as_json(ids) : as_words(ids)) << '\n';
  return 0;
}
