#include "quire/chat_template.h"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "quire/tokenizer.h"
#include "text/model_files.h"
#include "text/native.h"

namespace quire {
namespace {

using NamedSources = std::vector<std::pair<std::string, std::string>>;  // {name, source}

constexpr const char* kDefault = "default";
constexpr const char* kToolUse = "tool_use";

struct FreeTemplate {
  void operator()(quire_chat_template* handle) const { quire_chat_template_free(handle); }
};
using TemplateHandle = std::unique_ptr<quire_chat_template, FreeTemplate>;

TemplateHandle compile_one(
    std::string_view source, std::string_view special_tokens, std::string_view origin
) {
  quire_chat_template* handle = nullptr;
  NativeBuffer error;
  const quire_status status = quire_chat_template_new(
      source.data(),
      source.size(),
      special_tokens.data(),
      special_tokens.size(),
      &handle,
      error.out()
  );
  check_status(status, error, [&](std::string_view reason) {
    throw InvalidArgument(
        "chat_template", fmt::format("the chat template of {} does not compile: {}", origin, reason)
    );
  });
  return TemplateHandle(handle);
}

// chat_template.jinja is the default; additional_chat_templates/NAME.jinja are the others.
NamedSources read_jinja_files(const std::filesystem::path& dir) {
  NamedSources sources;
  auto source = read_file_if_there(dir / "chat_template.jinja");
  if (!source) return sources;
  sources.emplace_back(kDefault, std::move(*source));
  const std::filesystem::path others = dir / "additional_chat_templates";
  if (std::filesystem::is_directory(others)) {
    for (const auto& entry : std::filesystem::directory_iterator(others)) {
      if (entry.path().extension() == ".jinja")
        sources.emplace_back(entry.path().stem().string(), read_file(entry.path()));
    }
  }
  return sources;
}

bool has_tools(std::string_view context) {
  const simdjson::padded_string padded(context);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::value tools;
  return parser.iterate(padded).get(document) == simdjson::SUCCESS &&
         document["tools"].get(tools) == simdjson::SUCCESS && !tools.is_null();
}

// What tokenizer_config.json would say.
std::string special_tokens_json(const Tokenizer& tokenizer) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  const auto add = [&](const char* name, std::optional<int32_t> id) {
    const auto token = id ? tokenizer.id_to_token(*id) : std::nullopt;
    if (token) writer.field(name, *token);
  };
  add("bos_token", tokenizer.bos_token_id());
  add("eos_token", tokenizer.eos_token_id());
  add("pad_token", tokenizer.pad_token_id());
  add("unk_token", tokenizer.unk_token_id());
  writer.end_object();
  return json;
}

}  // namespace

struct ChatTemplate::Native {
  std::string default_source;
  TemplateHandle default_template;
  TemplateHandle tool_use_template;  // may be null
};

ChatTemplate::ChatTemplate(std::unique_ptr<Native> native) : native_(std::move(native)) {}
ChatTemplate::~ChatTemplate() = default;

std::shared_ptr<const ChatTemplate> ChatTemplate::compile(
    const NamedSources& sources, std::string_view special_tokens, std::string_view origin
) {
  const auto find = [&](std::string_view name) {
    return std::ranges::find(sources, name, [](const auto& s) {
      return std::string_view(s.first);
    });
  };
  const auto default_source = find(kDefault);
  if (default_source == sources.end()) {
    throw InvalidArgument(
        "chat_template",
        fmt::format("{} has chat templates, but none is named \"{}\"", origin, kDefault)
    );
  }
  auto native = std::make_unique<Native>();
  native->default_source = default_source->second;
  native->default_template = compile_one(default_source->second, special_tokens, origin);
  if (const auto tool_use = find(kToolUse); tool_use != sources.end())
    native->tool_use_template = compile_one(tool_use->second, special_tokens, origin);
  return std::shared_ptr<const ChatTemplate>(new ChatTemplate(std::move(native)));
}

std::shared_ptr<const ChatTemplate> ChatTemplate::from_dir(const std::filesystem::path& dir) {
  NamedSources sources = read_jinja_files(dir);
  for (const char* name : {"tokenizer_config.json", "chat_template.json"}) {
    if (!sources.empty()) break;
    const std::filesystem::path file = dir / name;
    if (const auto json = read_file_if_there(file))
      sources = parse_chat_templates(*json, file.string());
  }
  if (sources.empty()) return nullptr;
  return compile(sources, read_special_tokens(dir).to_json(), dir.string());
}

std::shared_ptr<const ChatTemplate> ChatTemplate::from_file(
    const std::filesystem::path& file, const std::filesystem::path& model_dir
) {
  const SpecialTokens tokens = model_dir.empty() ? SpecialTokens() : read_special_tokens(model_dir);
  return compile({{kDefault, read_file(file)}}, tokens.to_json(), file.string());
}

std::shared_ptr<const ChatTemplate> ChatTemplate::from_source(
    std::string_view source, const Tokenizer* tokenizer
) {
  return from_source(source, tokenizer != nullptr ? special_tokens_json(*tokenizer) : "{}");
}

std::shared_ptr<const ChatTemplate> ChatTemplate::from_source(
    std::string_view source, std::string_view special_tokens
) {
  return compile({{kDefault, std::string(source)}}, special_tokens, "the given source");
}

std::string ChatTemplate::render(std::string_view context, std::optional<int64_t> now) const {
  const bool takes_tool_use = native_->tool_use_template && has_tools(context);
  const auto& chosen = takes_tool_use ? native_->tool_use_template : native_->default_template;
  NativeBuffer text;
  NativeBuffer error;
  const quire_status status = quire_chat_template_render(
      chosen.get(), context.data(), context.size(), now ? &*now : nullptr, text.out(), error.out()
  );
  check_status(status, error, [](std::string_view reason) {
    throw InvalidArgument("messages", fmt::format("the chat template failed: {}", reason));
  });
  return text.str();
}

ContentFormat ChatTemplate::content_format() const {
  return quire_chat_template_takes_parts(native_->default_template.get()) ? ContentFormat::kOpenAi
                                                                          : ContentFormat::kString;
}

const std::string& ChatTemplate::source() const {
  return native_->default_source;
}

}  // namespace quire
