#include "cli/options_page.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/fixed_options.h"
#include "cli/json_option.h"
#include "cli/option_names.h"
#include "cli/option_value.h"
#include "cli/refused_options.h"
#include "config/field_visitor.h"
#include "config/server_fields.h"

namespace quire::cli {
namespace {

constexpr const char* kHead =
    R"(# Options

Made from the lists in `src/config/field_visitor.h` and `src/config/server_fields.h` by
`quire serve --help=markdown`. `quire COMMAND --help` shows those of a command, with its own.

- `quire serve MODEL [OPTIONS]` takes the engine's and the server's; `quire generate`, `quire chat` and the
  benchmarks take the engine's, the first two also the sampling parameters.
- In names `_` is `-`. A switch `--x` has a `--no-x`. The last of several values counts. `none` takes a value back that
  is none by default.
- Whole numbers may have a unit: `4k`, `1M`, `2G` and also `25.6k` are thousands, millions …; `1Ki`, `1Mi`, `1Gi` are
  powers of 1024. (vLLM reads a capital `K`, `M` or `G` as a power of 1024: write `Ki`, `Mi` or `Gi` for these.)
- An option that takes a JSON object has parts too: `--hf-overrides.rope_scaling.factor 2`, and `--x.key+ a,b` appends
  to a list. Parts are put into the object that is given whole.
- `--config file.yaml` reads a map of options: names without dashes in front, lists for options that take several
  values, objects for JSON. The command line wins over the file.
- A mistyped name is answered with the nearest ones; nothing is accepted and ignored.
- `--help=GROUP`, `--help=NAME`, `--help=all` and `--help=page` show parts or all of it.
- Environment variables are in [environment.md](environment.md).
)";

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string code(const std::string& text) {
  return text.empty() ? "" : fmt::format("`{}`", cell(text));
}

// Rows of the options of one kind, each group under a title of its own.
class Tables {
 public:
  template <class T>
  void add(const char* name, const T& field, std::string_view group, const char* help) {
    const std::string flag = flag_of(name);
    const std::string short_forms = short_names(flag);
    const std::string names =
        short_forms.empty() ? code(flag) : code(flag) + ", " + code(short_forms);
    const bool is_json = json_shape(name) == JsonShape::kObject;
    rows_of(group) += fmt::format(
        "| {} | {} | {} | {} |\n",
        names,
        kIsSwitch<T> ? "switch"
        : is_json    ? "JSON"
                     : cell(type_name(field)),
        code(default_text(field)),
        cell(help)
    );
  }
  std::string text() const {
    std::string text;
    for (const auto& [group, rows] : groups_) {
      text += fmt::format("\n### {}\n{}{}", group, kColumns, rows);
    }
    return text;
  }

 private:
  static constexpr const char* kColumns =
      "| option | value | default | meaning |\n|---|---|---|---|\n";

  std::string& rows_of(std::string_view group) {
    for (auto& [name, rows] : groups_) {
      if (name == group) return rows;
    }
    return groups_.emplace_back(group, "").second;
  }

  std::vector<std::pair<std::string, std::string>> groups_;  // in the order of their first options
};

std::string fixed_table() {
  std::string text =
      "\n## Options of vLLM that are taken with one value\nThe value says what quire does anyway. "
      "Others are refused with the sentence.\n\n| option | taken as | other values "
      "|\n|---|---|---|\n";
  for (const FixedOption& option : fixed_options()) {
    std::string flag = flag_of(std::string(option.name));
    const std::string short_forms = short_names(flag);
    if (option.accepted == "off") flag = "--no-" + flag.substr(2);
    text += fmt::format(
        "| {}{}{} | {} | {} |\n",
        code(flag),
        short_forms.empty() ? "" : ", ",
        code(short_forms),
        option.is_switch() ? "switch" : code(std::string(option.accepted)),
        cell(option.instead)
    );
  }
  return text;
}

std::string refused_table() {
  std::string text =
      "\n## Options of vLLM that are refused\n`*` stands for any rest.\n\n| option | what to do "
      "instead "
      "|\n|---|---|\n";
  for (const RefusedOption& option : refused_options()) {
    text += fmt::format("| {} | {} |\n", code(std::string(option.name)), cell(option.instead));
  }
  return text;
}

}  // namespace

std::string options_page() {
  Tables engine;
  EngineConfig engine_defaults;
  visit_engine_fields(engine_defaults, [&](auto name, auto& field, auto group, auto help) {
    engine.add(name, field, group, help);
  });
  Tables server;
  ServerConfig server_defaults;
  visit_server_fields(server_defaults, [&](auto name, auto& field, auto group, auto help) {
    server.add(name, field, group, help);
  });
  Tables sampling;
  SamplingParams sampling_defaults;
  visit_sampling_fields(sampling_defaults, [&](auto name, auto& field, auto group, auto help) {
    sampling.add(name, field, group, help);
  });
  return fmt::format(
      "{}\n## The engine\n{}\n## The server\n{}\n## Sampling\nIn requests they have the same "
      "names.\n{}"
      "{}{}",
      kHead,
      engine.text(),
      server.text(),
      sampling.text(),
      fixed_table(),
      refused_table()
  );
}

}  // namespace quire::cli
