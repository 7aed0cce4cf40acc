#include "quire/request_json.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <type_traits>

#include <fmt/format.h>

#include "base/check.h"
#include "config/field_visitor.h"
#include "engine/json_values.h"
#include "engine/request_fields.h"
#include "quire/error.h"

namespace quire {
namespace {

using simdjson::dom::element;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

// What one line has given so far.
struct Reader {
  ParsedRequest request;
  std::map<std::string_view, bool> given;  // names, and whether they are more than null

  bool has(std::string_view name) const {
    const auto it = given.find(name);
    return it != given.end() && it->second;
  }
  void read_field(std::string_view name, element raw);
  // False: not a field of this kind.
  bool read_sampling_field(std::string_view name, const JsonValue& value, bool is_null);
  bool read_special_sampling_field(std::string_view name, const JsonValue& value, element raw);
  bool read_prompt_field(std::string_view name, const JsonValue& value, element raw);
  bool read_request_field(std::string_view name, const JsonValue& value);
  void check_combination() const;
};

void check_messages(const JsonValue& value) {
  const auto messages = value.array("a list of messages");
  if (messages.begin() == messages.end()) {
    throw InvalidArgument("messages", "messages cannot be empty.");
  }
  for (const element message : messages) {
    std::string_view role;
    if (message["role"].get(role) != simdjson::SUCCESS) {
      JsonValue("messages", message).fail("a list of objects with a role");
    }
  }
}

void read_logit_bias(const JsonValue& value, std::map<int32_t, float>& out) {
  out.clear();
  for (const auto [key, bias] : value.object("an object of {token id: bias}")) {
    int32_t token_id = 0;
    const auto end = key.data() + key.size();
    const auto parsed = std::from_chars(key.data(), end, token_id);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      throw InvalidArgument(
          "logit_bias",
          fmt::format("logit_bias has the key '{}', which is no token id.", key.substr(0, 40))
      );
    }
    double number = 0.0;
    JsonValue("logit_bias", bias).read(number);
    out[token_id] = static_cast<float>(number);
  }
}

void read_repetition_detection(const JsonValue& value, SamplingParams& params) {
  RepetitionDetection& detection = params.repetition_detection.emplace();
  const auto fields =
      value.object("an object with max_pattern_size, min_pattern_size and min_count");
  for (const auto [key, element] : fields) {
    const JsonValue number("repetition_detection." + std::string(key), element);
    if (key == "max_pattern_size") {
      number.read(detection.max_pattern_size);
    } else if (key == "min_pattern_size") {
      number.read(detection.min_pattern_size);
    } else if (key == "min_count") {
      number.read(detection.min_count);
    } else {
      throw InvalidArgument(
          "repetition_detection",
          fmt::format(
              "repetition_detection has an unknown field '{}': it takes max_pattern_size, "
              "min_pattern_size and min_count.",
              key.substr(0, 40)
          )
      );
    }
  }
}

void read_output_kind(const JsonValue& value, element raw, RequestOutputKind& out) {
  constexpr std::string_view kNames[] = {"cumulative", "delta", "final_only"};
  int64_t number = -1;
  std::string_view name;
  if (raw.get(name) == simdjson::SUCCESS) {
    number = std::ranges::find(kNames, name) - kNames;
  } else if (raw.get(number) != simdjson::SUCCESS) {
    number = -1;
  }
  if (number < 0 || number > 2) value.fail("cumulative, delta or final_only (0, 1 or 2)");
  out = static_cast<RequestOutputKind>(number);
}

void read_non_empty(const JsonValue& value, const char* name, std::string& out) {
  value.read(out);
  if (out.empty()) {
    throw InvalidArgument(
        name, fmt::format("Parameter '{}' must be a non-empty string if provided.", name)
    );
  }
}

bool Reader::read_prompt_field(std::string_view name, const JsonValue& value, element raw) {
  if (name == "prompt") {
    value.read(request.prompt.text);
  } else if (name == "prompt_token_ids") {
    value.read(request.prompt.token_ids);
    if (request.prompt.token_ids.empty()) {
      throw InvalidArgument("prompt_token_ids", "The decoder prompt cannot be empty.");
    }
  } else if (name == "messages") {
    check_messages(value);
    request.messages_json = simdjson::minify(raw);
  } else if (name == "tools") {
    value.array("a list of tools");
    request.chat.tools_json = simdjson::minify(raw);
  } else if (name == "chat_template_kwargs") {
    value.object("an object");
    request.chat.chat_template_kwargs_json = simdjson::minify(raw);
  } else if (name == "add_generation_prompt") {
    value.read(request.chat.add_generation_prompt);
  } else if (name == "continue_final_message") {
    value.read(request.chat.continue_final_message);
  } else {
    return false;
  }
  return true;
}

bool Reader::read_request_field(std::string_view name, const JsonValue& value) {
  if (name == "request_id") {
    read_non_empty(value, "request_id", request.request_id.emplace());
  } else if (name == "cache_salt") {
    read_non_empty(value, "cache_salt", request.prompt.cache_salt);
  } else if (name == "priority") {
    value.read(request.priority);
  } else {
    return false;
  }
  return true;
}

bool Reader::read_sampling_field(std::string_view name, const JsonValue& value, bool is_null) {
  bool found = false;
  visit_sampling_fields(
      request.params,
      [&](const char* known, auto& member, const char*, const char*) {
        if (name != known) return;
        found = true;
        if (!is_null || kIsOptional<std::remove_reference_t<decltype(member)>>) value.read(member);
      }
  );
  return found;
}

bool Reader::read_special_sampling_field(
    std::string_view name, const JsonValue& value, element raw
) {
  if (name == "logit_bias") {
    read_logit_bias(value, request.params.logit_bias);
  } else if (name == "repetition_detection") {
    read_repetition_detection(value, request.params);
  } else if (name == "output_kind") {
    read_output_kind(value, raw, request.params.output_kind);
  } else {
    return false;
  }
  return true;
}

void Reader::read_field(std::string_view name, element raw) {
  const bool is_null = raw.is_null();
  if (!given.emplace(name, !is_null).second) {
    throw InvalidArgument(std::string(name), fmt::format("{} is given twice.", name));
  }
  if (const char* advice = refusal_of(name)) {
    bool asked = true;
    if (is_null || (raw.get(asked) == simdjson::SUCCESS && !asked)) return;
    throw InvalidArgument(std::string(name), fmt::format("{} is not supported. {}", name, advice));
  }
  const JsonValue value(name, raw);
  if (read_sampling_field(name, value, is_null)) return;
  if (!is_known_field(name)) refuse_unknown_field(name);
  if (is_null) return;
  if (read_special_sampling_field(name, value, raw)) return;
  if (read_prompt_field(name, value, raw)) return;
  const bool was_read = read_request_field(name, value);
  QUIRE_CHECK(was_read, "no reader takes the known field {}", name);
}

void Reader::check_combination() const {
  const int num_prompts = has("prompt") + has("prompt_token_ids") + has("messages");
  if (num_prompts != 1) {
    throw InvalidArgument(
        "prompt",
        fmt::format(
            "A request needs exactly one of prompt, prompt_token_ids and messages, got {}.",
            num_prompts
        )
    );
  }
  if (!has("messages")) {
    for (const char* name :
         {"tools", "chat_template_kwargs", "add_generation_prompt", "continue_final_message"}) {
      if (!has(name)) continue;
      throw InvalidArgument(
          name, fmt::format("{} goes with messages: give these instead of a prompt.", name)
      );
    }
  } else if (request.chat.add_generation_prompt && request.chat.continue_final_message) {
    throw InvalidArgument(
        "continue_final_message",
        "Cannot set both `continue_final_message` and `add_generation_prompt` to True. Set "
        "add_generation_prompt to false."
    );
  }
}

[[noreturn]] void refuse_json(simdjson::error_code error) {
  if (error == simdjson::NUMBER_ERROR) {
    throw InvalidArgument(
        "request", "The request is not valid JSON: a number is malformed, or beyond 64 bits."
    );
  }
  throw InvalidArgument(
      "request", fmt::format("The request is not valid JSON: {}", simdjson::error_message(error))
  );
}

}  // namespace

std::map<int32_t, float> parse_logit_bias_json(std::string_view json) {
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    throw InvalidArgument(
        "logit_bias",
        fmt::format(
            "logit_bias must be a JSON object like {{\"42\": -1.5}}: {}",
            simdjson::error_message(error)
        )
    );
  }
  std::map<int32_t, float> bias;
  read_logit_bias(JsonValue("logit_bias", root), bias);
  return bias;
}

ParsedRequest parse_request_json(std::string_view line, const SamplingParams& defaults) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::object fields;
  if (const auto error = parser.parse(line.data(), line.size()).get(root)) refuse_json(error);
  if (root.get(fields) != simdjson::SUCCESS) {
    JsonValue("request", root).fail("a JSON object");
  }
  Reader reader;
  reader.request.params = defaults;
  for (const auto [name, value] : fields)
    reader.read_field(name, value);
  reader.check_combination();
  reader.request.params.validate();
  return std::move(reader.request);
}

}  // namespace quire
