#include "cli/migrate_check.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/env.h"
#include "cli/command_line.h"
#include "config/resolve.h"
#include "config/scheduler_choice.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

using Words = std::vector<std::string>;

// Options that work, but not as they do in vLLM.
struct ChangedOption {
  std::string_view name;  // with underscores
  const char* sentence;
};
constexpr ChangedOption kChangedOptions[] = {
    {"gpu_memory_utilization",
     "On the CPU this is a share of the machine's memory, 0.5 if it is not given."},
};

constexpr const char* kHelpSentence = "Prints the help of quire serve and ends: nothing is served.";
constexpr const char* kHidden = "…";
constexpr size_t kShortestSecret = 4;  // characters; shorter ones are in many words

// What containers of vLLM run serves; options follow the image's name.
constexpr std::string_view kServerImage = "vllm/vllm-openai";

bool is_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

bool is_assignment(const std::string& word) {
  const size_t equals = word.find('=');
  return !is_option(word) && equals != std::string::npos && equals > 0 &&
         word.find_first_of("/ ") > equals;
}

bool is_help(const std::string& word) {
  return word == "-h" || word == "--help" || word.starts_with("--help=");
}

// "max_num_seqs" of "--max-num-seqs=4"; of --x.key the key alone.
std::string name_of(const std::string& flag) {
  std::string name = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
  name = name.substr(0, name.find('='));
  std::ranges::replace(name, '-', '_');
  return name;
}

// An option as it is shown: without the values that nobody should read.
std::string shown(const Words& option) {
  const std::string& flag = option.front();
  if (!is_option(flag) || !is_secret(name_of(flag)))
    return fmt::format("{}", fmt::join(option, " "));
  const size_t equals = flag.find('=');
  if (equals != std::string::npos) return flag.substr(0, equals + 1) + kHidden;
  return option.size() > 1 ? fmt::format("{} {}", flag, kHidden) : flag;
}

// The sentence without the values of secret options.
std::string without_secrets(std::string sentence, const Words& option) {
  if (!is_option(option.front()) || !is_secret(name_of(option.front()))) return sentence;
  Words values(option.begin() + 1, option.end());
  const size_t equals = option.front().find('=');
  if (equals != std::string::npos) values.push_back(option.front().substr(equals + 1));
  for (const std::string& value : values) {
    if (value.size() < kShortestSecret) continue;
    for (size_t at = sentence.find(value); at != std::string::npos;
         at = sentence.find(value, at + std::string_view(kHidden).size()))
      sentence.replace(at, value.size(), kHidden);
  }
  return sentence;
}

// The error's text, and before it what it is about unless the text or `what` has it.
std::string sentence_of(
    const std::string& field, const std::string& text, const std::string& what
) {
  std::string flag = "--" + field;
  std::ranges::replace(flag, '_', '-');
  const bool is_named = field.empty() || text.find(field) != std::string::npos ||
                        text.find(flag) != std::string::npos || what.starts_with(field) ||
                        what.starts_with(flag);
  return is_named ? text : fmt::format("{}: {}", field, text);
}

// The error of the command with these words; nullopt: it takes them. what: as they are shown.
std::optional<std::string> error_of(
    const Words& words, const std::string& what = "", EngineConfig* config = nullptr
) {
  CommandLine line("serve", "");
  line.add_engine_options();
  line.add_server_options();
  std::vector<std::string> owned = words;
  owned.insert(owned.begin(), "serve");
  std::vector<char*> argv;
  for (std::string& word : owned)
    argv.push_back(word.data());
  try {
    if (!line.parse(static_cast<int>(argv.size()), argv.data())) return std::nullopt;
    (void)line.server_config();
    const EngineConfig engine = line.engine_config();
    check_values(engine, UsageContext::kServer);
    if (config != nullptr) *config = engine;
  } catch (const InvalidArgument& error) {
    return sentence_of(error.field(), error.what(), what);
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return std::nullopt;
}

const char* change_of(const Words& option) {
  if (is_help(option.front())) return kHelpSentence;
  return change_of_option(name_of(option.front()));
}

// An option with the words that follow it; words before the first option alone.
std::vector<Words> split_options(std::span<const std::string> words) {
  std::vector<Words> options;
  for (const std::string& word : words) {
    const bool begins = options.empty() || is_option(word) || !is_option(options.back().front());
    if (begins) options.emplace_back();
    options.back().push_back(word);
  }
  return options;
}

Finding finding_of(const Words& option, const std::optional<std::string>& error) {
  const std::string what = shown(option);
  if (error) return {what, Fate::kRefused, without_secrets(*error, option)};
  if (const char* sentence = change_of(option)) return {what, Fate::kChanged, sentence};
  return {what, Fate::kWorks, ""};
}

Words joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Every option for itself. One that needs others is tried beside all that are taken alone. Gives
// the words that the command takes.
Words check_options(const std::vector<Words>& options, std::vector<Finding>& findings) {
  Words taken;
  std::vector<const Words*> doubtful;
  for (const Words& option : options) {
    if (is_help(option.front())) {
      findings.push_back(finding_of({option.front()}, std::nullopt));
      continue;
    }
    const Words with = joined(taken, option);
    if (error_of(option) || error_of(with)) {
      doubtful.push_back(&option);
    } else {
      taken = with;
      findings.push_back(finding_of(option, std::nullopt));
    }
  }
  for (const Words* option : doubtful) {
    Words with = joined(taken, *option);
    const auto error = error_of(with, option->front());
    findings.push_back(finding_of(*option, error));
    if (!error) taken = std::move(with);
  }
  return taken;
}

bool is_server_program(const std::string& word) {
  const std::string name = word.substr(word.rfind('/') + 1);
  return name == "vllm" || name == "quire" || word == "vllm.entrypoints.cli.main";
}

// Whether a shell ends the command or its arguments there: &&, >, 2>&1.
bool is_shell_operator(const std::string& word) {
  constexpr std::array<std::string_view, 5> kEnds = {"&&", "||", "|", ";", "&"};
  const std::string rest = word.substr(std::min(word.find_first_not_of("0123456789"), word.size()));
  return std::ranges::find(kEnds, word) != kEnds.end() || rest.starts_with('>') ||
         rest.starts_with('<');
}

// Index of the word that serves.
size_t find_command(std::span<const std::string> words) {
  const auto server = std::ranges::find(words, "vllm.entrypoints.openai.api_server");
  if (server != words.end()) return static_cast<size_t>(server - words.begin());
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && words[i] == "serve" && is_server_program(words[i - 1])) return i;
    if (words[i].find(kServerImage) != std::string::npos) return i;
  }
  throw InvalidArgument(
      words.empty() ? "" : words.front(),
      "Give a Python script, or a command line with `vllm serve` or `python -m "
      "vllm.entrypoints.openai.api_server`; for other commands see quire --help."
  );
}

void append(std::vector<Finding>& to, const std::vector<Finding>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

bool is_secret(std::string_view name) {
  constexpr std::array<std::string_view, 7> kWords = {
      "key", "keys", "token", "secret", "password", "credential", "credentials"};
  const size_t last = name.find_last_of("_-.");
  std::string word(last == std::string_view::npos ? name : name.substr(last + 1));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kWords, word) != kWords.end();
}

const char* change_of_option(std::string_view name) {
  const auto* found = std::ranges::find(kChangedOptions, name, &ChangedOption::name);
  return found != std::end(kChangedOptions) ? found->sentence : nullptr;
}

const char* fate_name(Fate fate) {
  constexpr const char* kNames[] = {"works", "changed", "refused"};
  return kNames[static_cast<size_t>(fate)];
}

MigrationReport check_command(const Words& words) {
  MigrationReport report;
  const bool is_setting = !words.empty() && std::ranges::all_of(words, [](const auto& word) {
    return word == "export" || is_assignment(word);
  });
  const size_t command = is_setting ? words.size() : find_command(words);
  std::string use_v1;
  for (size_t i = 0; i < command; ++i) {  // NAME=value vllm, env NAME=value vllm, export …; vllm
    if (!is_assignment(words[i])) continue;
    const size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    std::string value = words[i].substr(equals + 1);
    if (value.ends_with(';')) value.pop_back();
    if (name == "VLLM_USE_V1") use_v1 = value;
    report.findings.push_back(check_variable(name, value));
  }
  if (is_setting) return report;
  const auto begin = words.begin() + static_cast<std::ptrdiff_t>(command) + 1;
  const auto options =
      split_options(std::span(begin, std::find_if(begin, words.end(), is_shell_operator)));
  const Words taken = check_options(options, report.findings);
  EngineConfig config;
  (void)error_of(taken, "", &config);
  const MigrationReport engine = check_engine(config, use_v1);
  append(report.findings, engine.findings);
  report.engine = engine.engine;
  return report;
}

std::vector<std::string> split_line(std::string_view line) {
  Words words;
  char quote = 0;
  bool in_word = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool is_blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == 0 && is_blank) {
      in_word = false;
      continue;
    }
    const bool is_escape = c == '\\' && quote != '\'' && i + 1 < line.size();
    if (is_escape && line[i + 1] == '\n') {  // the line goes on
      ++i;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (is_escape) {
      words.back() += line[++i];
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  return words;
}

Finding check_variable(const std::string& name, const std::string& value) {
  Finding finding{.what = name + "=" + (is_secret(name) && !value.empty() ? kHidden : value)};
  const auto is_it = [&](const env::Variable& v) {
    return name == v.name || (v.also != nullptr && name == v.also);
  };
  if (!name.starts_with("VLLM_") || std::ranges::any_of(env::variables(), is_it)) return finding;
  finding.fate = Fate::kChanged;
  finding.sentence = "No such variable is read: it has no effect, and a warning names it at start.";
  return finding;
}

MigrationReport check_engine(EngineConfig config, const std::string& use_v1) {
  MigrationReport report;
  try {
    if (!config.scheduler && !use_v1.empty())
      config.scheduler = env::parse_bool("VLLM_USE_V1", use_v1) ? "v1" : "v0";
    check_values(config, UsageContext::kLlm);
    std::vector<std::string> warnings;
    const bool is_v0 = choose_scheduler(config, warnings) == SchedulerKind::kV0;
    report.engine = is_v0 ? "V0" : "V1";
    for (std::string& warning : warnings)
      report.findings.push_back({"engine", Fate::kChanged, std::move(warning)});
  } catch (const InvalidArgument& error) {
    report.findings.push_back(
        {error.field(), Fate::kRefused, sentence_of(error.field(), error.what(), error.field())}
    );
  }
  return report;
}

}  // namespace quire::cli
