#include "cli/command_line.h"

#include <algorithm>
#include <functional>
#include <iostream>

#include <fmt/format.h>

#include "base/env.h"
#include "cli/help_formatter.h"
#include "cli/option_value.h"
#include "cli/refused_options.h"
#include "cli/suggest.h"
#include "config/field_visitor.h"
#include "config/server_fields.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string flag_of(const std::string& name) {
  return name.compare(0, 1, "-") == 0 ? with_dashes(name) : "--" + with_dashes(name);
}

// What CLI11 calls an option: a switch has a negative form.
std::string declaration(const std::string& name, bool is_switch) {
  const std::string flag = flag_of(name);
  return is_switch ? flag + ",!--no-" + flag.substr(2) : flag;
}

}  // namespace

struct CommandLine::Impl {
  Impl(std::string name, std::string description) : app(std::move(description), std::move(name)) {
    app.formatter(std::make_shared<HelpFormatter>());
    app.set_help_flag("-h,--help", "Print this help and exit.");
    app.get_help_ptr()->group(kOwnGroup);
    app.allow_extras();
  }

  template <class T>
  CLI::Option* add(
      const std::string& name, const T& default_value, const std::string& group, const char* help
  ) {
    const std::string text = help;
    CLI::Option* option = nullptr;
    if constexpr (kIsSwitch<T>) {
      option = app.add_flag(declaration(name, true), text);
    } else {
      option = app.add_option(declaration(name, false), text);
      option->type_name(type_name(default_value));
    }
    using Policy = CLI::MultiOptionPolicy;
    if constexpr (kIsList<T>) {
      option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
    } else {
      option->multi_option_policy(Policy::TakeLast);
    }
    option->default_str(default_text(default_value))->group(group);
    return option;
  }

  // An option whose value is read into `value` after parsing.
  template <class T>
  void bind(const std::string& name, T& value, const char* help) {
    CLI::Option* option = add(name, value, kOwnGroup, help);
    readers.push_back([option, name, &value] {
      if (option->count() > 0) parse_value(flag_of(name), option->results(), value);
    });
  }

  // Words of an option that was given, or nullptr.
  const Words* words_of(const std::string& name) const {
    const CLI::Option* option = app.get_option_no_throw(flag_of(name));
    return option != nullptr && option->count() > 0 ? &option->results() : nullptr;
  }

  std::vector<std::string> option_names() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames())
        names.push_back("--" + name);
    }
    return names;
  }

  // Dashes for the underscores of option names; values stay as they are.
  std::vector<std::string> normalized(int argc, char** argv) const {
    std::vector<std::string> words(argv + 1, argv + argc);
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i].compare(0, 2, "--") != 0) continue;
      const size_t equals = words[i].find('=');
      const std::string name = with_dashes(words[i].substr(0, equals));
      const CLI::Option* option = app.get_option_no_throw(name);
      if (option == nullptr) continue;
      const bool takes_next_word = equals == std::string::npos && option->get_expected_max() > 0;
      words[i].replace(0, name.size(), name);
      if (takes_next_word) ++i;
    }
    return words;
  }

  void refuse_leftovers() const {
    const std::vector<std::string> rest = app.remaining();
    if (rest.empty()) return;
    const std::string name = rest.front().substr(0, rest.front().find('='));
    const bool is_option = name.size() > 1 && name.front() == '-';
    if (const char* instead = refusal_of_option(with_dashes(name))) {
      throw InvalidArgument(name, fmt::format("not supported: {}", instead));
    }
    throw InvalidArgument(
        name,
        fmt::format(
            "{} of quire {}.{} See quire {} --help.",
            is_option ? "This is no option" : "This is no argument",
            app.get_name(),
            did_you_mean(with_dashes(name), option_names()),
            app.get_name()
        )
    );
  }

  static constexpr const char* kOwnGroup = "Options";
  CLI::App app;
  std::vector<std::function<void()>> readers;
  bool has_engine_options = false;
  std::string positional_model;  // of quire serve
};

CommandLine::CommandLine(std::string name, std::string description)
    : impl_(std::make_unique<Impl>(std::move(name), std::move(description))) {}

CommandLine::~CommandLine() = default;

void CommandLine::add_engine_options() {
  EngineConfig defaults;
  visit_engine_fields(defaults, [this](const char* name, auto& field, auto group, auto help) {
    impl_->add(name, field, group, help);
  });
  impl_->has_engine_options = true;
}

void CommandLine::add_sampling_options() {
  SamplingParams defaults;
  visit_sampling_fields(defaults, [this](const char* name, auto& field, auto group, auto help) {
    const bool is_engines = impl_->has_engine_options && std::string_view(name) == "seed";
    if (!is_engines) impl_->add(name, field, group, help);
  });
}

void CommandLine::add_server_options() {
  ServerConfig defaults;
  visit_server_fields(defaults, [this](const char* name, auto& field, auto group, auto help) {
    impl_->add(name, field, group, help);
  });
  impl_->app.add_option("MODEL", impl_->positional_model, "Folder or repository, as --model.");
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
  std::vector<std::string> words = impl_->normalized(argc, argv);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    impl_->app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    std::cout << help();
    return false;
  } catch (const CLI::ParseError& error) {
    throw InvalidArgument("", error.what());  // names the option itself
  }
  impl_->refuse_leftovers();
  for (const auto& read : impl_->readers)
    read();
  return true;
}

EngineConfig CommandLine::engine_config() const {
  EngineConfig config;
  visit_engine_fields(config, [this](const char* name, auto& field, auto, auto) {
    const Words* words = impl_->words_of(name);
    if (words == nullptr) return;
    // vLLM's two spellings of one wish.
    const bool is_auto_len = std::string_view(name) == "max_model_len" && words->back() == "auto";
    parse_value(flag_of(name), is_auto_len ? Words{"-1"} : *words, field);
  });
  if (!impl_->positional_model.empty()) config.model = impl_->positional_model;
  return config;
}

ServerConfig CommandLine::server_config() const {
  ServerConfig config;
  if (const auto seconds = env::http_timeout_keep_alive()) config.timeout_keep_alive = *seconds;
  visit_server_fields(config, [this](const char* name, auto& field, auto, auto) {
    if (const Words* words = impl_->words_of(name)) parse_value(flag_of(name), *words, field);
  });
  if (config.api_key.empty()) {
    if (auto key = env::api_key()) config.api_key.push_back(std::move(*key));
  }
  if (env::server_dev_mode()) config.enable_dev_endpoints = true;
  config.validate();
  return config;
}

void CommandLine::apply_to(SamplingParams& params) const {
  visit_sampling_fields(params, [this](const char* name, auto& field, auto, auto) {
    const bool is_engines = impl_->has_engine_options && std::string_view(name) == "seed";
    if (is_engines) return;
    if (const Words* words = impl_->words_of(name)) parse_value(flag_of(name), *words, field);
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
      fmt::format("This option is required. See quire {} --help.", impl_->app.get_name())
  );
}

bool CommandLine::was_given(const std::string& name) const {
  return impl_->words_of(name) != nullptr;
}

std::string CommandLine::help() const {
  return impl_->app.help("quire");
}

}  // namespace quire::cli
