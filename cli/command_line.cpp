#include "cli/command_line.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/env.h"
#include "cli/fixed_options.h"
#include "cli/help.h"
#include "cli/option_names.h"
#include "cli/option_set.h"
#include "cli/option_value.h"
#include "cli/options_page.h"
#include "cli/terminal.h"
#include "config/field_visitor.h"
#include "config/server_fields.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

constexpr const char* kOwnGroup = "Options";

template <class T>
OptionKind kind_of(const std::string& name) {
  switch (json_shape(name)) {
    case JsonShape::kObject:
      return OptionKind::kJson;
    case JsonShape::kTextList:
      return OptionKind::kTextList;
    case JsonShape::kNone:
      break;
  }
  if (kIsSwitch<T>) return OptionKind::kSwitch;
  return kIsList<T> ? OptionKind::kList : OptionKind::kValue;
}

// `name` is "max_tokens", "max-tokens" or "-q,--quick".
template <class T>
OptionInfo info_of(std::string name, const T& field, const char* group, const char* help) {
  OptionInfo option;
  if (const size_t comma = name.find(','); comma != std::string::npos) {
    option.short_flag = name.substr(0, comma);
    name = name.substr(comma + 3);
  }
  std::ranges::replace(name, '-', '_');
  option.kind = kind_of<T>(name);
  option.name = std::move(name);
  option.type = option.kind == OptionKind::kJson ? "JSON" : type_name(field);
  option.default_text = default_text(field);
  option.group = group;
  option.help = help;
  return option;
}

std::string fixed_help(const FixedOption& fixed) {
  std::string values(fixed.accepted);
  for (size_t bar = values.find('|'); bar != std::string::npos; bar = values.find('|')) {
    values.replace(bar, 1, " or ");
  }
  return fmt::format("Taken as {} only. {}", values, fixed.instead);
}

void check_environment(bool must_be_known) {
  const std::vector<std::string> unknown = env::unknown_vllm_variables();
  if (!must_be_known || unknown.empty()) return;
  throw InvalidArgument(
      fmt::format("{}", fmt::join(unknown, ", ")),
      "No such variable is read. Unset what docs/environment.md does not have, or leave "
      "--fail-on-environ-validation out."
  );
}

}  // namespace

struct CommandLine::Impl {
  Impl(std::string name, std::string description)
      : options(std::move(name), std::move(description)) {
    OptionInfo help = info_of("-h,--help", std::string(), kOwnGroup, "");
    help.type = "[=GROUP|NAME|all|page]";
    help.help = "Print this help, or a part of it, and exit.";
    options.add(std::move(help));
  }

  // An option whose value is read into `value` after parsing.
  template <class T>
  void bind(const std::string& name, T& value, const char* help) {
    OptionInfo option = info_of(name, value, kOwnGroup, help);
    readers.push_back([this, name = option.name, &value] { read(name, value); });
    options.add(std::move(option));
  }

  template <class T>
  void read(std::string_view name, T& value) const {
    if (const Given* given = options.given(name)) parse_value(given->where, given->words, value);
  }

  void add_fixed(bool is_servers) {
    for (const FixedOption& fixed : fixed_options()) {
      if (fixed.is_servers != is_servers) continue;
      OptionInfo option;
      option.name = fixed.name;
      option.kind = fixed.is_switch() ? OptionKind::kSwitch : OptionKind::kValue;
      option.type = fixed.is_switch() ? "" : "VALUE";
      option.group = "Compatibility";
      option.help = fixed_help(fixed);
      option.fixed = &fixed;
      options.add(std::move(option));
    }
  }

  bool is_engines_seed(std::string_view name) const { return has_engine_options && name == "seed"; }

  void show_help() const {
    const std::string& wish = *options.help_wish();
    if (wish == "markdown") {
      print(options_page());
      return;
    }
    const std::string text = format_help(options, wish, terminal_style());
    if (wish == "page") {
      print_in_pager(text);
    } else {
      print(text);
    }
  }

  static HelpStyle terminal_style() {
    if (!stdout_is_terminal()) return {};
    constexpr size_t kWidest = 100;
    constexpr size_t kNarrowest = 40;
    return {.width = std::clamp(terminal_width(), kNarrowest, kWidest), .has_colour = true};
  }

  OptionSet options;
  std::vector<std::function<void()>> readers;
  std::optional<std::string> config_file;
  bool fail_on_environ_validation = false;
  bool has_engine_options = false;
};

CommandLine::CommandLine(std::string name, std::string description)
    : impl_(std::make_unique<Impl>(std::move(name), std::move(description))) {}

CommandLine::~CommandLine() = default;

void CommandLine::add_engine_options() {
  impl_->bind(
      "config",
      impl_->config_file,
      "YAML file of options: `max-model-len: 4096`. The command line wins over it."
  );
  impl_->bind(
      "fail_on_environ_validation",
      impl_->fail_on_environ_validation,
      "Make an unknown VLLM_ variable in the environment an error, not a warning."
  );
  EngineConfig defaults;
  visit_engine_fields(defaults, [this](const char* name, auto& field, auto group, auto help) {
    impl_->options.add(info_of(name, field, group, help));
  });
  impl_->add_fixed(false);
  impl_->options.take_long_forms();
  impl_->has_engine_options = true;
}

void CommandLine::add_sampling_options() {
  SamplingParams defaults;
  visit_sampling_fields(defaults, [this](const char* name, auto& field, auto group, auto help) {
    if (!impl_->is_engines_seed(name)) impl_->options.add(info_of(name, field, group, help));
  });
}

void CommandLine::add_server_options() {
  ServerConfig defaults;
  visit_server_fields(defaults, [this](const char* name, auto& field, auto group, auto help) {
    impl_->options.add(info_of(name, field, group, help));
  });
  impl_->add_fixed(true);
  impl_->options.take_positional("model");
}

void CommandLine::add_text(
    const std::string& name, std::optional<std::string>& value, const char* help
) {
  impl_->bind(name, value, help);
}

void CommandLine::add_texts(
    const std::string& name, std::vector<std::string>& values, const char* help
) {
  impl_->bind(name, values, help);
}

void CommandLine::add_int(const std::string& name, int& value, const char* help) {
  impl_->bind(name, value, help);
}

void CommandLine::add_optional_int(
    const std::string& name, std::optional<int>& value, const char* help
) {
  impl_->bind(name, value, help);
}

void CommandLine::add_number(const std::string& name, double& value, const char* help) {
  impl_->bind(name, value, help);
}

void CommandLine::add_switch(const std::string& name, bool& value, const char* help) {
  impl_->bind(name, value, help);
}

bool CommandLine::parse(int argc, char** argv) {
  OptionSet& options = impl_->options;
  options.read(Words(argv + 1, argv + argc));
  if (options.help_wish()) {
    impl_->show_help();
    return false;
  }
  if (const Given* file = options.given("config")) {
    const std::string& path = file->words.back();
    options.read(read_config_file(path), path);
  }
  options.finish();
  for (const auto& read : impl_->readers)
    read();
  check_environment(impl_->fail_on_environ_validation);
  return true;
}

EngineConfig CommandLine::engine_config() const {
  EngineConfig config;
  visit_engine_fields(config, [this](const char* name, auto& field, auto, auto) {
    const Given* given = impl_->options.given(name);
    if (given == nullptr) return;
    // vLLM's two spellings of one wish.
    const bool is_auto_len =
        std::string_view(name) == "max_model_len" && given->words.back() == "auto";
    parse_value(given->where, is_auto_len ? Words{"-1"} : given->words, field);
  });
  // The server's option names the model in the metrics too.
  const Given* names = impl_->options.given("served_model_name");
  if (names != nullptr) config.served_model_name = names->words.front();
  return config;
}

ServerConfig CommandLine::server_config() const {
  ServerConfig config;
  if (const auto seconds = env::http_timeout_keep_alive()) config.timeout_keep_alive = *seconds;
  visit_server_fields(config, [this](const char* name, auto& field, auto, auto) {
    impl_->read(name, field);
  });
  if (config.api_key.empty()) {
    if (auto key = env::api_key()) config.api_key.push_back(std::move(*key));
  }
  if (!was_given("enable_dev_endpoints")) config.enable_dev_endpoints = env::server_dev_mode();
  config.validate();
  return config;
}

void CommandLine::apply_to(SamplingParams& params) const {
  visit_sampling_fields(params, [this](const char* name, auto& field, auto, auto) {
    if (!impl_->is_engines_seed(name)) impl_->read(name, field);
  });
}

void CommandLine::check_sampling_options() const {
  SamplingParams params;
  params.max_tokens.reset();  // the real default is not known yet
  apply_to(params);
  params.validate();
}

void CommandLine::require(const std::string& name) const {
  if (was_given(name)) return;
  throw InvalidArgument(
      flag_of(name),
      fmt::format("This option is required. See quire {} --help.", impl_->options.command())
  );
}

bool CommandLine::was_given(const std::string& name) const {
  std::string field = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  std::ranges::replace(field, '-', '_');
  return impl_->options.given(field) != nullptr;
}

std::string CommandLine::help() const {
  return format_help(impl_->options, "", {});
}

}  // namespace quire::cli
