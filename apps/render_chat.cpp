#include "apps/commands.h"
#include "apps/text_input.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "quire/chat_template.h"
#include "quire/error.h"

namespace {

using namespace quire;

std::shared_ptr<const ChatTemplate> load_template(
    const std::optional<std::string>& model, const std::optional<std::string>& template_file
) {
  if (template_file) return ChatTemplate::from_file(*template_file, model.value_or(""));
  if (!model) throw InvalidArgument("--model", "Give --model or --template-file.");
  auto chat_template = ChatTemplate::from_dir(*model);
  if (chat_template == nullptr) {
    throw InvalidArgument(
        "chat_template", *model + " has no chat template; give one with --template-file."
    );
  }
  return chat_template;
}

}  // namespace

int run_render_chat(int argc, char** argv) {
  cli::CommandLine command_line(
      "render-chat", "Prints a conversation as the chat template renders it."
  );
  std::optional<std::string> model;
  std::optional<std::string> template_file;
  std::optional<std::string> context_file;
  command_line.add_text("model", model, "Model folder: its chat template and its special tokens.");
  command_line.add_text(
      "template-file", template_file, "Jinja file to take instead of the model's."
  );
  command_line.add_text(
      "context-file",
      context_file,
      "JSON object with messages, tools, add_generation_prompt and any other variable; - for "
      "standard input."
  );
  if (!command_line.parse(argc, argv)) return 0;
  const auto chat_template = load_template(model, template_file);
  command_line.require("context-file");
  cli::print(chat_template->render(read_input(*context_file)));
  return 0;
}
