#include "cli/migrate_check.h"

#include <algorithm>
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

bool is_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

bool is_assignment(const std::string& word) {
  const size_t equals = word.find('=');
  return !is_option(word) && equals != std::string::npos && equals > 0 &&
         word.find_first_of("/ ") > equals;
}

// The error of the command with these words; nullopt: it takes them.
std::optional<std::string> error_of(const Words& words, EngineConfig* config = nullptr) {
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
    return error.field().empty() ? error.what()
                                 : fmt::format("{}: {}", error.field(), error.what());
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return std::nullopt;
}

const char* change_of(const Words& option) {
  const std::string& flag = option.front();
  std::string name = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
  name = name.substr(0, name.find('='));
  std::ranges::replace(name, '-', '_');
  const auto* found = std::ranges::find(kChangedOptions, name, &ChangedOption::name);
  return found != std::end(kChangedOptions) ? found->sentence : nullptr;
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
  const std::string what = fmt::format("{}", fmt::join(option, " "));
  if (error) return {what, Fate::kRefused, *error};
  if (const char* sentence = change_of(option)) return {what, Fate::kChanged, sentence};
  return {what, Fate::kWorks, ""};
}

// Every option for itself. One that needs others is tried beside all that are taken alone. Gives
// the words that the command takes.
Words check_options(const std::vector<Words>& options, std::vector<Finding>& findings) {
  Words taken;
  std::vector<const Words*> doubtful;
  for (const Words& option : options) {
    if (error_of(option)) {
      doubtful.push_back(&option);
    } else {
      taken.insert(taken.end(), option.begin(), option.end());
      findings.push_back(finding_of(option, std::nullopt));
    }
  }
  for (const Words* option : doubtful) {
    Words with = taken;
    with.insert(with.end(), option->begin(), option->end());
    const auto error = error_of(with);
    findings.push_back(finding_of(*option, error));
    if (!error) taken = std::move(with);
  }
  return taken;
}

// Index of the word that serves.
size_t find_command(std::span<const std::string> words) {
  const auto server = std::ranges::find(words, "vllm.entrypoints.openai.api_server");
  if (server != words.end()) return static_cast<size_t>(server - words.begin());
  const auto serve = std::ranges::find(words, "serve");
  if (serve != words.begin() && serve != words.end())
    return static_cast<size_t>(serve - words.begin());
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
  const auto options = split_options(std::span(words).subspan(command + 1));
  const Words taken = check_options(options, report.findings);
  EngineConfig config;
  if (const auto error = error_of(taken, &config))
    report.findings.push_back({fmt::format("{}", fmt::join(taken, " ")), Fate::kRefused, *error});
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
  Finding finding{.what = name + "=" + value};
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
    std::vector<std::string> warnings;
    const bool is_v0 = choose_scheduler(config, warnings) == SchedulerKind::kV0;
    report.engine = is_v0 ? "V0" : "V1";
    for (std::string& warning : warnings)
      report.findings.push_back({"engine", Fate::kChanged, std::move(warning)});
  } catch (const InvalidArgument& error) {
    report.findings.push_back(
        {error.field(), Fate::kRefused, fmt::format("{}: {}", error.field(), error.what())}
    );
  }
  return report;
}

}  // namespace quire::cli
