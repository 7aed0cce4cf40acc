#include <atomic>
#include <csignal>
#include <iostream>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>

#include "apps/commands.h"
#include "apps/remote_chat.h"
#include "apps/run_stats.h"
#include "cli/command_line.h"
#include "cli/option_value.h"
#include "cli/terminal.h"
#include "quire/error.h"
#include "quire/llm.h"

namespace quire::cli {
namespace {

constexpr const char* kHelp =
    "/help   this list\n"
    "/reset  forget the conversation\n"
    "/exit   leave, like Ctrl-D\n"
    "Ctrl-C  stops the answer, or leaves when there is none\n";

constexpr int kExitByInterrupt = 130;

// Ctrl-C, taken by a thread of its own: it aborts the answer that is being given. Without one, also
// while the model loads, it ends the program.
class InterruptHandler {
 public:
  // Make it before any other thread starts: they inherit the mask.
  InterruptHandler() {
    const sigset_t set = interrupt_set();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    thread_ = std::thread([this] { run(); });
  }

  ~InterruptHandler() {
    is_stopping_ = true;
    pthread_kill(thread_.native_handle(), SIGINT);
    thread_.join();
  }

  // Lives while an answer is given.
  class Answer {
   public:
    Answer(InterruptHandler& handler, AsyncEngine& engine, std::string request_id)
        : handler_(handler) {
      std::lock_guard lock(handler_.mutex_);
      handler_.engine_ = &engine;
      handler_.request_id_ = std::move(request_id);
    }
    ~Answer() {
      std::lock_guard lock(handler_.mutex_);
      handler_.engine_ = nullptr;
    }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

   private:
    InterruptHandler& handler_;
  };

 private:
  static sigset_t interrupt_set() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    return set;
  }

  void run() {
    const sigset_t set = interrupt_set();
    for (int signal = 0; sigwait(&set, &signal) == 0 && !is_stopping_;) {
      std::lock_guard lock(mutex_);
      if (engine_ != nullptr) {
        engine_->abort(request_id_);
      } else {
        // Nothing is lost: the conversation lives in this process alone.
        fmt::print("\n");
        std::fflush(stdout);
        std::_Exit(kExitByInterrupt);
      }
    }
  }

  std::atomic<bool> is_stopping_ = false;
  std::mutex mutex_;
  AsyncEngine* engine_ = nullptr;  // of the answer that is being given, like request_id_
  std::string request_id_;
  std::thread thread_;  // the last member: it uses the others
};

struct TalkOptions {
  std::optional<std::string> system_prompt;
  std::optional<std::string> quick;
  RemoteOptions remote;
  bool stats = false;
};

class Conversation {
 public:
  Conversation(
      AsyncEngine& engine,
      InterruptHandler& interrupts,
      SamplingParams params,
      const TalkOptions& options
  )
      : engine_(engine), interrupts_(interrupts), params_(std::move(params)), options_(options) {
    params_.output_kind = RequestOutputKind::kDelta;
    reset();
  }

  // Questions from standard input until its end or /exit.
  void run() {
    const bool is_interactive = stdin_is_terminal() && stdout_is_terminal();
    if (is_interactive) print(dim("/help lists the commands.\n"));
    std::string line;
    while (true) {
      if (is_interactive) print("> ");
      if (!std::getline(std::cin, line)) break;
      if (line == "/exit" || line == "/quit") return;
      handle(line);
    }
    if (is_interactive) print("\n");
  }

  // False: the question was refused.
  bool ask(const std::string& question) {
    messages_.push_back({"user", question});
    try {
      answer();
      return true;
    } catch (const InvalidArgument& error) {
      // The conversation goes on as if it had not been asked.
      messages_.pop_back();
      print_error(error.field(), error.what());
      // The rendered conversation is what can be too long.
      if (is_full(error)) print_note("/reset forgets the conversation and makes room.");
      return false;
    }
  }

 private:
  void reset() {
    messages_.clear();
    if (options_.system_prompt) messages_.push_back({"system", *options_.system_prompt});
  }

  // Whether the conversation so far left no room for the question.
  bool is_full(const InvalidArgument& error) const {
    const size_t num_kept = options_.system_prompt ? 1 : 0;
    return error.field() == "prompt_token_ids" && messages_.size() > num_kept;
  }

  void handle(const std::string& line) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return;
    if (line == "/help") {
      print(kHelp);
    } else if (line == "/reset") {
      reset();
      print_note("The conversation starts anew.");
    } else if (line.front() == '/') {
      print_error(line, "no such command. /help lists them.");
    } else {
      ask(line);
    }
  }

  void answer() {
    const ContentFormat format = engine_.chat_template().content_format();
    const Prompt prompt = engine_.render_chat(chat_context_json(messages_, {}, format));
    const std::string request_id = fmt::format("chat-{}", num_requests_++);
    const auto stream = engine_.add_request(request_id, prompt, params_);
    std::string text;
    const RequestOutput whole = show(*stream, text);
    print("\n");
    if (whole.error) throw InternalError(*whole.error);
    if (options_.stats) print_note(describe_request(whole));
    messages_.push_back({"assistant", text});
  }

  // Prints the answer as it comes, and appends it to `text`.
  RequestOutput show(RequestStream& stream, std::string& text) {
    const InterruptHandler::Answer answer(interrupts_, engine_, stream.request_id());
    RequestOutput whole;
    while (auto output = stream.next()) {
      for (const CompletionOutput& completion : output->outputs) {
        print(completion.text);
        text += completion.text;
      }
      gather_stream(whole, std::move(*output));
    }
    return whole;
  }

  AsyncEngine& engine_;
  InterruptHandler& interrupts_;
  SamplingParams params_;
  const TalkOptions& options_;
  std::vector<ChatMessage> messages_;
  size_t num_requests_ = 0;
};

void add_options(CommandLine& command_line, TalkOptions& options) {
  command_line.add_text("system-prompt", options.system_prompt, "Message before the conversation.");
  command_line.add_text("-q,--quick", options.quick, "Ask this one question and exit.");
  command_line.add_switch("stats", options.stats, "Print times and prefix cache hits.");
  add_remote_options(
      command_line,
      options.remote,
      "Talk with the model of this server, for instance http://localhost:8000/v1, and run none "
      "here."
  );
}

}  // namespace
}  // namespace quire::cli

int run_chat(int argc, char** argv) {
  using namespace quire;
  using namespace quire::cli;
  CommandLine command_line(
      "chat", "Talks with a model that runs in this process, or behind an OpenAI server."
  );
  TalkOptions options;
  add_options(command_line, options);
  command_line.add_engine_options();
  command_line.add_sampling_options();
  if (!command_line.parse(argc, argv)) return 0;
  if (options.remote.url) {
    refuse_engine_options(command_line);
    if (options.stats) throw InvalidArgument("--stats", "The server keeps them: see its /metrics.");
    check_utf8("--system-prompt", options.system_prompt.value_or(""));
    check_utf8("--quick", options.quick.value_or(""));
    RemoteModel model(options.remote, sampling_fields_json(command_line));
    return chat_with_server(model, options.system_prompt, options.quick);
  }
  for (const char* name : {"model-name", "api-key"}) {
    if (!command_line.was_given(name)) continue;
    throw InvalidArgument(name, "belongs to --url, the server to talk with.");
  }
  command_line.check_sampling_options();  // before the model loads
  check_utf8("--system-prompt", options.system_prompt.value_or(""));
  check_utf8("--quick", options.quick.value_or(""));
  InterruptHandler interrupts;
  EngineConfig config = command_line.engine_config();
  // Log lines would stand in the middle of an answer.
  if (!command_line.was_given("disable_log_stats")) config.disable_log_stats = true;
  AsyncEngine engine(config);
  SamplingParams params = engine.default_sampling_params();
  params.max_tokens.reset();  // an answer may be as long as the model allows
  command_line.apply_to(params);
  if (params.n != 1) throw InvalidArgument("--n", "A conversation has one answer: leave n at 1.");
  Conversation conversation(engine, interrupts, std::move(params), options);
  if (options.quick) return conversation.ask(*options.quick) ? 0 : 1;
  conversation.run();
  return 0;
}
