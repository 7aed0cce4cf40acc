#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/jsonl.h"
#include "apps/run_stats.h"
#include "cli/command_line.h"
#include "cli/option_value.h"
#include "cli/terminal.h"
#include "quire/error.h"
#include "quire/llm.h"
#include "quire/request_json.h"

namespace quire::cli {
namespace {

constexpr int kDefaultMaxTokens = 256;  // of --prompt; lines of a file have vLLM's 16

struct CommandOptions {
  std::vector<std::string> prompts;
  std::optional<std::string> input_file;
  std::optional<std::string> output_file;
  std::optional<std::string> logit_bias;  // JSON
  std::optional<std::string> system_prompt;
  bool chat = false;
  bool stats = false;
};

void add_options(CommandLine& command_line, CommandOptions& options) {
  command_line.add_texts(
      "prompt",
      options.prompts,
      "Text to complete; may be given many times: an empty line stands between the outputs. Up to "
      "256 tokens each, unless --max-tokens is given."
  );
  command_line.add_switch(
      "chat", options.chat, "Take each --prompt as a user's message, through the chat template."
  );
  command_line.add_text(
      "system-prompt", options.system_prompt, "System message before each --prompt; means --chat."
  );
  command_line.add_text(
      "input-file",
      options.input_file,
      "JSON lines, one request each: prompt, prompt_token_ids or messages, and any sampling "
      "parameter. - is standard input."
  );
  command_line.add_text(
      "output-file",
      options.output_file,
      "Where the outputs of --input-file go, one JSON line each, in the order of the input. "
      "Default: "
      "standard output."
  );
  command_line.add_text(
      "logit-bias", options.logit_bias, "JSON object: token id to a bias of its logit."
  );
  command_line.add_switch(
      "stats",
      options.stats,
      "Print times, speed, prefix cache hits and the mean batch on standard error."
  );
}

void check(const CommandOptions& options) {
  if (options.prompts.empty() == !options.input_file) {
    throw InvalidArgument("--prompt", "Give either --prompt or --input-file.");
  }
  if (options.input_file && (options.chat || options.system_prompt)) {
    throw InvalidArgument(
        "--chat",
        "Lines of --input-file have `messages` instead: leave --chat and --system-prompt out."
    );
  }
  if (options.output_file && !options.input_file) {
    throw InvalidArgument("--output-file", "It goes with --input-file. For --prompt, redirect.");
  }
  check_utf8("--system-prompt", options.system_prompt.value_or(""));
  if (options.logit_bias) (void)parse_logit_bias_json(*options.logit_bias);
}

SamplingParams sampling_params(
    const CommandLine& command_line, const CommandOptions& options, const AsyncEngine& engine
) {
  SamplingParams params = engine.default_sampling_params();
  const bool has_length = params.max_tokens != SamplingParams().max_tokens;
  if (!options.input_file && !has_length) params.max_tokens = kDefaultMaxTokens;
  command_line.apply_to(params);
  if (options.logit_bias) params.logit_bias = parse_logit_bias_json(*options.logit_bias);
  return params;
}

Prompt make_prompt(
    const AsyncEngine& engine, const std::string& text, const CommandOptions& options
) {
  if (!options.chat && !options.system_prompt) return Prompt{.text = text};
  std::vector<ChatMessage> messages;
  if (options.system_prompt) messages.push_back({"system", *options.system_prompt});
  messages.push_back({"user", text});
  const ContentFormat format = engine.chat_template().content_format();
  return engine.render_chat(chat_context_json(messages, {}, format));
}

// The prompts of the command line: text on stdout as it comes, in their order.
class PromptRun {
 public:
  PromptRun(AsyncEngine& engine, const CommandOptions& options, SamplingParams params)
      : engine_(engine), options_(options), params_(std::move(params)) {
    // Several completions are printed one after the other, so each must be whole.
    params_.output_kind =
        params_.n == 1 ? RequestOutputKind::kDelta : RequestOutputKind::kFinalOnly;
  }

  // False: some prompt failed.
  bool run() {
    std::vector<std::shared_ptr<RequestStream>> streams;
    for (const std::string& prompt : options_.prompts)
      streams.push_back(add(prompt, streams.size()));
    for (size_t i = 0; i < streams.size(); ++i) {
      if (streams[i]) show(options_.prompts[i], *streams[i]);
    }
    if (options_.stats) print_note(stats_.summary(engine_.stats()));
    return all_went_well_;
  }

 private:
  std::shared_ptr<RequestStream> add(const std::string& prompt, size_t index) {
    try {
      return engine_.add_request(
          std::to_string(index), make_prompt(engine_, prompt, options_), params_
      );
    } catch (const InvalidArgument& error) {
      fail(error.field(), error.what());
      return nullptr;
    }
  }

  void show(const std::string& prompt, RequestStream& stream) {
    const bool is_chat = options_.chat || options_.system_prompt.has_value();
    if (std::exchange(has_shown_, true)) print("\n");  // an empty line between two texts
    if (stdout_is_terminal()) print(dim(prompt) + (is_chat ? "\n" : ""));
    RequestOutput whole;
    while (auto output = stream.next()) {
      show_texts(*output);
      gather_stream(whole, std::move(*output));
    }
    print("\n");
    if (whole.error) {
      fail("", *whole.error);
    } else if (params_.detokenize && is_empty(whole)) {
      print_note(
          is_chat ? "(The model answered nothing.)"
                  : "(The model ended the text at once. A chat model may want --chat.)"
      );
    }
    stats_.add(whole);
    if (options_.stats) print_note(describe_request(whole));
  }

  static bool is_empty(const RequestOutput& output) {
    return std::ranges::all_of(output.outputs, [](const CompletionOutput& completion) {
      return completion.text.empty();
    });
  }

  void show_texts(const RequestOutput& output) const {
    for (const CompletionOutput& completion : output.outputs) {
      const bool is_next = params_.n > 1 && completion.index > 0;
      print(is_next ? "\n\n" + completion.text : completion.text);
    }
  }

  void fail(std::string_view field, std::string_view message) {
    print_error(field, message);
    all_went_well_ = false;
  }

  AsyncEngine& engine_;
  const CommandOptions& options_;
  SamplingParams params_;
  RunStats stats_;
  bool has_shown_ = false;
  bool all_went_well_ = true;
};

// What only an output line can show is not taken with --prompt.
void check_is_shown(const CommandLine& command_line, const CommandOptions& options) {
  if (options.input_file) return;
  for (const char* name : {"logprobs", "prompt_logprobs", "logprob_token_ids", "detokenize"}) {
    if (!command_line.was_given(name)) continue;
    throw InvalidArgument(
        name, "--prompt prints text alone. Use --input-file, whose lines show it."
    );
  }
}

}  // namespace
}  // namespace quire::cli

int run_generate(int argc, char** argv) {
  using namespace quire;
  using namespace quire::cli;
  CommandLine command_line(
      "generate", "Completes prompts, or the requests of a file, in this process."
  );
  CommandOptions options;
  add_options(command_line, options);
  command_line.add_engine_options();
  command_line.add_sampling_options();
  if (!command_line.parse(argc, argv)) return 0;
  check(options);
  check_is_shown(command_line, options);
  command_line.check_sampling_options();  // before the model loads
  std::optional<JsonlFiles> files;
  if (options.input_file) {
    files.emplace(*options.input_file, options.output_file.value_or("-"));
  }
  EngineConfig config = command_line.engine_config();
  // Log lines would stand in the middle of a text.
  if (!options.input_file && !command_line.was_given("disable_log_stats")) {
    config.disable_log_stats = true;
  }
  AsyncEngine engine(config);
  SamplingParams params = sampling_params(command_line, options, engine);
  const bool all_went_well = files ? generate_jsonl(engine, params, *files, options.stats)
                                   : PromptRun(engine, options, std::move(params)).run();
  if (files && !all_went_well) {
    print_error("", "Some requests failed: their lines have an \"error\".");
  }
  return all_went_well ? 0 : 1;
}
