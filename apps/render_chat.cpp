#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "quire/chat_template.h"
#include "quire/error.h"
#include "text_input.h"

namespace {

using namespace quire;

std::shared_ptr<const ChatTemplate> load_template(
    const std::string& model, const std::string& template_file
) {
  if (!template_file.empty()) return ChatTemplate::from_file(template_file, model);
  auto chat_template = ChatTemplate::from_dir(model);
  if (chat_template == nullptr) {
    throw InvalidArgument(
        "chat_template", model + " has no chat template; give one with --template-file"
    );
  }
  return chat_template;
}

}  // namespace

int run_render_chat(int argc, char** argv) {
  CLI::App app("Print a conversation as the chat template renders it", "quire render-chat");
  std::string model;
  std::string template_file;
  std::string context_file;
  auto* model_option =
      app.add_option("--model", model, "Model folder: its chat template and its special tokens");
  auto* template_option =
      app.add_option("--template-file", template_file, "Jinja file to take instead of the model's");
  app.add_option(
         "--context-file",
         context_file,
         "JSON object with messages, tools, add_generation_prompt and any other variable; "
         "- for standard input"
  )
      ->required();
  app.callback([&] {
    if (model_option->count() + template_option->count() == 0)
      throw CLI::RequiredError("--model or --template-file");
  });
  CLI11_PARSE(app, argc, argv);

  const auto chat_template = load_template(model, template_file);
  std::cout << chat_template->render(read_input(context_file)) << std::flush;
  return 0;
}
