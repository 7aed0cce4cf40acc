#include "server/dev/server_info.h"

#include "base/env.h"
#include "base/json_writer.h"
#include "config/field_visitor.h"
#include "config/server_fields.h"
#include "quire/environment_report.h"

namespace quire::server {
namespace {

constexpr std::string_view kHidden = "(hidden)";

// Writes each option as a member of a JSON object.
class OptionsWriter {
 public:
  explicit OptionsWriter(JsonWriter& writer) : writer_(writer) {}

  template <class T>
  void operator()(const char* name, const T& value, const char*, const char*) {
    const std::string_view option = name;
    writer_.key(option);
    if (option == "api_key" || option == "hf_token") {
      writer_.value(kHidden);
    } else {
      write(value);
    }
  }

 private:
  template <class T>
  void write(const T& value) {
    writer_.value(value);
  }
  template <class T>
  void write(const std::optional<T>& value) {
    if (value) {
      write(*value);
    } else {
      writer_.null();
    }
  }
  void write(const std::vector<std::string>& values) {
    writer_.begin_array();
    for (const std::string& value : values)
      writer_.value(value);
    writer_.end_array();
  }

  JsonWriter& writer_;
};

std::string options_json(const ServerState& state) {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  writer.begin_object();
  visit_engine_fields(state.engine.config(), OptionsWriter(writer));
  visit_server_fields(state.config, OptionsWriter(writer));
  writer.end_object();
  return json;
}

}  // namespace

std::string server_info_json(const ServerState& state, std::string_view config_format) {
  std::string json;
  JsonWriter writer(json, JsonSpacing::kCompact);
  const std::string options = options_json(state);
  writer.begin_object().key("vllm_config");
  if (config_format == "json") {
    writer.raw(options);
  } else {
    writer.value(options);
  }
  writer.key("vllm_env").begin_object();
  for (const auto& [name, value] : env::set_variables())
    writer.field(name, value);
  writer.end_object().key("system_env").begin_object();
  for (const ReportSection& section : environment_report()) {
    writer.key(section.title).begin_object();
    for (const auto& [name, value] : section.entries)
      writer.field(name, value);
    writer.end_object();
  }
  writer.end_object().end_object();
  return json;
}

}  // namespace quire::server
