#include "apps/remote_chat.h"

#include <iostream>

#include "cli/terminal.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

constexpr const char* kHelp =
    "/help   this list\n"
    "/reset  forget the conversation\n"
    "/exit   leave, like Ctrl-D\n"
    "Ctrl-C  stops the answer, or leaves when there is none\n";

class RemoteConversation {
 public:
  RemoteConversation(RemoteModel& model, const std::optional<std::string>& system_prompt)
      : model_(model), system_prompt_(system_prompt) {
    reset();
  }

  // False: the server refused it, and the conversation goes on as if it had not been asked.
  bool ask(const std::string& question) {
    messages_.push_back({"user", question});
    try {
      const std::string answer = model_.chat(messages_, show);
      print("\n");
      messages_.push_back({"assistant", answer});
      return true;
    } catch (const EnvironmentError& error) {
      messages_.pop_back();
      print_error("", error.what());
      return false;
    }
  }

  int run() {
    const bool is_interactive = stdin_is_terminal() && stdout_is_terminal();
    if (is_interactive) print(dim("Talking with " + model_.name() + ". /help lists commands.\n"));
    bool all_went_well = true;
    std::string line;
    while (true) {
      if (is_interactive) print("> ");
      if (!std::getline(std::cin, line)) break;
      if (line == "/exit" || line == "/quit") break;
      all_went_well = handle(line) && all_went_well;
    }
    return all_went_well ? 0 : 1;
  }

 private:
  static void show(const std::string& text, bool is_reasoning) {
    print(is_reasoning ? dim(text) : text);
  }

  void reset() {
    messages_.clear();
    if (system_prompt_) messages_.push_back({"system", *system_prompt_});
  }

  bool handle(const std::string& line) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return true;
    if (line == "/help") {
      print(kHelp);
    } else if (line == "/reset") {
      reset();
      print_note("The conversation starts anew.");
    } else if (line.front() == '/') {
      print_error(line, "no such command. /help lists them.");
    } else {
      return ask(line);
    }
    return true;
  }

  RemoteModel& model_;
  const std::optional<std::string>& system_prompt_;
  std::vector<ChatMessage> messages_;
};

}  // namespace

int chat_with_server(
    RemoteModel& model,
    const std::optional<std::string>& system_prompt,
    const std::optional<std::string>& quick
) {
  RemoteConversation conversation(model, system_prompt);
  if (quick) return conversation.ask(*quick) ? 0 : 1;
  return conversation.run();
}

}  // namespace quire::cli
