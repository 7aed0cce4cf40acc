#include <algorithm>

#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "cli/fixed_options.h"
#include "cli/migrate_check.h"
#include "cli/refused_options.h"
#include "config/field_visitor.h"
#include "python/bindings/bindings.h"
#include "python/bindings/convert.h"

namespace quire::python {

EngineConfig engine_config_from(const nb::dict& kwargs) {
  EngineConfig config;
  size_t num_known = 0;
  visit_engine_fields(config, [&](const char* name, auto& member, const char*, const char*) {
    if (!kwargs.contains(name)) return;
    ++num_known;
    read_value(name, kwargs[name], member);
  });
  if (num_known == kwargs.size()) return config;
  for (const auto [key, value] : kwargs) {
    bool is_known = false;
    visit_engine_fields(config, [&](const char* name, auto&, const char*, const char*) {
      is_known |= nb::cast<std::string>(key) == name;
    });
    if (is_known) continue;
    throw nb::type_error(
        fmt::format("unexpected keyword argument '{}'", nb::cast<std::string>(key)).c_str()
    );
  }
  return config;
}

namespace {

const char* type_name(const bool&) {
  return "bool";
}
const char* type_name(const int&) {
  return "int";
}
const char* type_name(const int64_t&) {
  return "int";
}
const char* type_name(const double&) {
  return "float";
}
const char* type_name(const std::string&) {
  return "str";
}
template <class T>
const char* type_name(const std::optional<T>&) {
  return type_name(T());
}

}  // namespace

nb::list engine_fields() {
  nb::list fields;
  EngineConfig config;
  visit_engine_fields(config, [&](const char* name, auto& member, const char*, const char* help) {
    fields.append(nb::make_tuple(name, type_name(member), help));
  });
  return fields;
}

namespace {

// ([(what, fate, sentence)], engine)
nb::tuple to_tuple(const cli::MigrationReport& report) {
  nb::list findings;
  for (const cli::Finding& finding : report.findings)
    findings.append(nb::make_tuple(finding.what, cli::fate_name(finding.fate), finding.sentence));
  return nb::make_tuple(findings, report.engine);
}

}  // namespace

void bind_migration(nb::module_& m) {
  m.def(
      "check_command",
      [](const std::vector<std::string>& words) { return to_tuple(cli::check_command(words)); },
      nb::arg("words")
  );
  m.def(
      "split_line", [](const std::string& line) { return cli::split_line(line); }, nb::arg("line")
  );
  m.def(
      "is_secret", [](const std::string& name) { return cli::is_secret(name); }, nb::arg("name")
  );
  m.def(
      "change_of_option",
      [](const std::string& name) {
        const char* sentence = cli::change_of_option(name);
        return sentence != nullptr ? std::optional<std::string>(sentence) : std::nullopt;
      },
      nb::arg("name")
  );
  m.def(
      "check_variable",
      [](const std::string& name, const std::string& value) {
        return to_tuple({{cli::check_variable(name, value)}});
      },
      nb::arg("name"),
      nb::arg("value")
  );
  m.def(
      "check_engine",
      [](const nb::dict& kwargs, const std::string& use_v1) {
        return to_tuple(cli::check_engine(engine_config_from(kwargs), use_v1));
      },
      nb::arg("kwargs"),
      nb::arg("use_v1")
  );
}

std::optional<std::pair<std::string, std::string>> foreign_option(const std::string& name) {
  for (const cli::FixedOption& option : cli::fixed_options()) {
    if (option.name == name && !option.is_servers)
      return std::pair(std::string(option.accepted), std::string(option.instead));
  }
  std::string flag = "--" + name;
  std::ranges::replace(flag, '_', '-');
  const char* instead = cli::refusal_of_option(flag);
  if (instead == nullptr) return std::nullopt;
  return std::pair(std::string(), std::string(instead));
}

}  // namespace quire::python
