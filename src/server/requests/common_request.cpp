#include "server/requests/common_request.h"

#include <charconv>
#include <iterator>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "config/field_visitor.h"
#include "quire/error.h"
#include "server/requests/refused_fields.h"

namespace quire::server {
namespace {

using simdjson::dom::element;

void read_stream_options(CommonRequest& request, const RequestValue& value) {
  if (value.says_nothing() && value.json().is_object()) return;
  StreamOptions& options = request.stream_options.emplace();
  for (const auto [name, json] : value.object()) {
    const RequestValue member(json, name, value);
    if (member.is_null()) continue;
    if (name == "include_usage") member.read(options.include_usage);
    if (name == "continuous_usage_stats") member.read(options.continuous_usage_stats);
  }
}

void read_logit_bias(CommonRequest& request, const RequestValue& value) {
  for (const auto [key, bias] : value.object()) {
    int32_t token_id = 0;
    const char* end = key.data() + key.size();
    const auto parsed = std::from_chars(key.data(), end, token_id);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      throw InvalidArgument(
          "logit_bias",
          fmt::format("Invalid key '{}' in logit_bias: must be a token id.", key.substr(0, 40))
      );
    }
    double number = 0.0;
    RequestValue(bias, key, value).read(number);
    request.params.logit_bias[token_id] = static_cast<float>(number);
  }
}

void read_repetition_detection(CommonRequest& request, const RequestValue& value) {
  RepetitionDetection& detection = request.params.repetition_detection.emplace();
  for (const auto [name, json] : value.object()) {
    const RequestValue member(json, name, value);
    if (name == "max_pattern_size") member.read(detection.max_pattern_size);
    if (name == "min_pattern_size") member.read(detection.min_pattern_size);
    if (name == "min_count") member.read(detection.min_count);
  }
}

void read_cache_salt(CommonRequest& request, const RequestValue& value) {
  if (!value.json().is_string() || value.says_nothing()) {
    throw InvalidArgument(
        "cache_salt", "Parameter 'cache_salt' must be a non-empty string if provided."
    );
  }
  value.read(request.cache_salt);
}

void read_request_id(CommonRequest& request, const RequestValue& value) {
  value.read(request.request_id);
  if (request.request_id.size() <= kMaxRequestIdBytes) return;
  throw InvalidArgument(
      "request_id", fmt::format("request_id is longer than {} bytes.", kMaxRequestIdBytes)
  );
}

void read_truncation(CommonRequest& request, const RequestValue& value) {
  int number = 0;
  value.read(number);
  value.check_at_least(number, -1);
  if (number == 0) {
    throw InvalidArgument(
        "truncate_prompt_tokens",
        "truncate_prompt_tokens=0 leaves no prompt. Give 1 or more, or -1 for as many tokens as "
        "leave room for the output."
    );
  }
  request.truncation.truncate_prompt_tokens = number;
}

void read_truncation_side(CommonRequest& request, const RequestValue& value) {
  const std::string_view side = value.text();
  if (side != "left" && side != "right") {
    value.fail_as(
        "literal_error",
        "Input should be \\'left\\' or \\'right\\'",
        "{'expected': \"'left' or 'right'\"}"
    );
  }
  request.truncation.keeps_end = side == "left";
}

// It changes the score of beams alone, which this server does not search.
void read_length_penalty(CommonRequest&, const RequestValue& value) {
  double penalty = 1.0;
  value.read(penalty);
  if (penalty == 1.0) return;
  throw InvalidArgument(
      "length_penalty", "length_penalty belongs to beam search, which runs offline: leave it out."
  );
}

void read_priority(CommonRequest& request, const RequestValue& value) {
  value.read(request.priority);
}

template <auto kMember>
void read_member(CommonRequest& request, const RequestValue& value) {
  value.read(request.*kMember);
}

// Accepted as vLLM and OpenAI take them: they ask for nothing that changes the answer.
void pass_over(CommonRequest&, const RequestValue&) {}

struct Field {
  std::string_view name;
  void (*read)(CommonRequest& request, const RequestValue& value);
  std::span<const std::string_view> members = {};  // of an object, all that mean something
};

constexpr std::string_view kStreamOptions[] = {"include_usage", "continuous_usage_stats"};
constexpr std::string_view kRepetitionDetection[] = {
    "max_pattern_size", "min_pattern_size", "min_count"};

constexpr Field kFields[] = {
    {"model", read_member<&CommonRequest::model>},
    {"request_id", read_request_id},
    {"max_tokens", read_member<&CommonRequest::max_tokens>},
    {"stream", read_member<&CommonRequest::stream>},
    {"stream_options", read_stream_options, kStreamOptions},
    {"echo", read_member<&CommonRequest::echo>},
    {"add_special_tokens", read_member<&CommonRequest::add_special_tokens>},
    {"truncate_prompt_tokens", read_truncation},
    {"truncation_side", read_truncation_side},
    {"return_token_ids", read_member<&CommonRequest::return_token_ids>},
    {"return_tokens_as_token_ids", read_member<&CommonRequest::return_tokens_as_token_ids>},
    {"cache_salt", read_cache_salt},
    {"priority", read_priority},
    {"best_of", read_member<&CommonRequest::best_of>},
    {"logit_bias", read_logit_bias},
    {"repetition_detection", read_repetition_detection, kRepetitionDetection},
    {"length_penalty", read_length_penalty},
    {"user", pass_over},
    {"metadata", pass_over},
    {"store", pass_over},
    {"service_tier", pass_over},
    {"safety_identifier", pass_over},
    {"prompt_cache_key", pass_over},
    {"prompt_cache_retention", pass_over},
};

// These have a reader of their own, or no meaning over HTTP.
bool is_read_elsewhere(std::string_view name) {
  return name == "logprobs" || name == "max_tokens" || name == "detokenize";
}

bool read_sampling_field(CommonRequest& request, const RequestValue& value) {
  if (is_read_elsewhere(value.name())) return false;
  bool found = false;
  visit_sampling_fields(
      request.params,
      [&](const char* name, auto& member, const char*, const char*) {
        if (found || value.name() != name) return;
        found = true;
        if (!value.is_null()) value.read(member);
      }
  );
  return found;
}

void check_prompt_logprobs(const CommonRequest& request) {
  const int number = request.params.prompt_logprobs.value_or(0);
  if (request.stream && number != 0) {
    throw InvalidArgument(
        "prompt_logprobs", "`prompt_logprobs` are not available when `stream=True`."
    );
  }
  if (number < -1) {
    throw InvalidArgument("prompt_logprobs", "`prompt_logprobs` must be a positive value or -1.");
  }
}

}  // namespace

void check_count(std::string_view name, size_t count, size_t max) {
  if (count <= max) return;
  throw InvalidArgument(
      std::string(name), fmt::format("{} has {} entries; at most {} are allowed.", name, count, max)
  );
}

bool read_common_field(
    CommonRequest& request, const RequestValue& value, UnknownFields& unknown_fields
) {
  for (const Field& field : kFields) {
    if (field.name != value.name()) continue;
    if (value.is_null()) return true;
    field.read(request, value);
    if (!field.members.empty()) unknown_fields.add_members(value, field.members);
    return true;
  }
  return read_sampling_field(request, value) || refuse_field(value);
}

void finish_common_request(CommonRequest& request, std::optional<int> default_max_tokens) {
  if (request.stream_options && !request.stream) {
    throw InvalidArgument(
        "stream_options", "Stream options can only be defined when `stream=True`."
    );
  }
  check_prompt_logprobs(request);
  check_count("stop", request.params.stop.size(), kMaxStopStrings);
  check_count("bad_words", request.params.bad_words.size(), kMaxBadWords);
  if (request.best_of && *request.best_of != 1 && *request.best_of != request.params.n) {
    throw InvalidArgument(
        "best_of",
        "best_of is not supported. Ask for n completions with logprobs and keep the best one."
    );
  }
  request.params.max_tokens = request.max_tokens ? request.max_tokens : default_max_tokens;
  request.params.validate();
}

}  // namespace quire::server
