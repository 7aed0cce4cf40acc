#include "bench/serve/call_plan.h"

#include <cmath>
#include <random>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "bench/serve/trace_prompts.h"
#include "quire/error.h"

namespace quire::bench {
namespace {

constexpr int kMaxTextTries = 10;

// Text of as many tokens as `token_ids`. Tokens side by side may become others when their text is
// tokenized again, so it takes some tries; what is left of the difference is accepted.
std::string text_of(const Tokenizer& tokenizer, std::vector<int32_t> token_ids, uint64_t seed) {
  const size_t wanted = token_ids.size();
  const std::vector<int32_t> spare = token_ids;
  std::mt19937_64 random(seed);
  std::string text = tokenizer.decode(token_ids);
  for (int i = 0; i < kMaxTextTries; ++i) {
    token_ids = tokenizer.encode(text);
    if (token_ids.size() == wanted) break;
    if (token_ids.size() > wanted) token_ids.resize(wanted);
    while (token_ids.size() < wanted)
      token_ids.push_back(spare[random() % spare.size()]);
    text = tokenizer.decode(token_ids, true);
  }
  return text;
}

void write_prompt(JsonWriter& writer, const ServeOptions& options, const SampleRequest& request) {
  if (options.is_chat()) {
    writer.key("messages").begin_array().begin_object().field("role", "user");
    writer.field("content", request.prompt.text).end_object().end_array();
  } else if (request.prompt.text.empty()) {
    writer.key("prompt").begin_array();
    for (const int32_t id : request.prompt.token_ids)
      writer.value(id);
    writer.end_array();
  } else {
    writer.field("prompt", request.prompt.text);
  }
}

void write_sampling(JsonWriter& writer, const ServeOptions& options) {
  for (const auto& [name, value] : options.sampling) {
    writer.key(name);
    const bool is_whole = value == std::floor(value) && std::abs(value) < 1e9;
    is_whole ? writer.value(static_cast<int64_t>(value)) : writer.value(value);
  }
  if (!options.logprobs) return;
  if (options.is_chat()) {
    writer.field("logprobs", true).field("top_logprobs", *options.logprobs);
  } else {
    writer.field("logprobs", *options.logprobs);
  }
}

std::string body_of(
    const ServeOptions& options, const std::string& model, const SampleRequest& request
) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().field("model", model);
  write_prompt(writer, options, request);
  writer.field(
      options.is_chat() ? "max_completion_tokens" : "max_tokens", request.num_output_tokens
  );
  if (options.stream) {
    writer.field("stream", true).key("stream_options").begin_object();
    writer.field("include_usage", true).end_object();
  }
  if (options.ignore_eos) writer.field("ignore_eos", true);
  write_sampling(writer, options);
  writer.end_object();
  if (options.extra_body) {
    const size_t first = options.extra_body->find('{') + 1;
    const size_t last = options.extra_body->rfind('}');
    const std::string inner = options.extra_body->substr(first, last - first);
    if (inner.find_first_not_of(" \t\r\n") != std::string::npos) {
      body.back() = ',';
      body += inner + "}";
    }
  }
  return body;
}

std::vector<SampleRequest> trace_requests(
    const ServeOptions& options, const PromptSource& source, std::vector<double>& times
) {
  std::vector<SampleRequest> requests;
  for (TraceCall& call : read_trace_calls(*options.dataset.path, source, options.dataset.seed)) {
    if (requests.size() == static_cast<size_t>(options.dataset.num_prompts)) break;
    times.push_back(call.arrival * options.trace_time_scale);
    SampleRequest& request = requests.emplace_back();
    request.num_prompt_tokens = static_cast<int>(call.token_ids.size());
    request.num_output_tokens = call.num_output_tokens;
    request.prompt.token_ids = std::move(call.token_ids);
  }
  return requests;
}

std::vector<RateChange> rate_changes(
    const ServeOptions& options, const std::vector<double>& times
) {
  std::vector<RateChange> changes;
  if (!options.ramp_up_strategy) return changes;
  for (size_t i = 0; i < times.size(); ++i) {
    const int rps = static_cast<int>(rate_of_call(options, i, times.size()));
    if (changes.empty() || rps > changes.back().rps) changes.push_back({rps, times[i]});
  }
  return changes;
}

}  // namespace

std::string http_post(
    const ServeTarget& target,
    const std::string& path,
    const std::vector<std::string>& headers,
    const std::string& body
) {
  std::string bytes = fmt::format(
      "POST {}{} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n"
      "Accept: */*\r\nContent-Length: {}\r\n",
      target.base_url.path,
      path,
      target.base_url.authority(),
      body.size()
  );
  if (target.api_key) bytes += fmt::format("Authorization: Bearer {}\r\n", *target.api_key);
  for (const std::string& header : headers) {
    const size_t equals = header.find('=');
    bytes += fmt::format("{}: {}\r\n", header.substr(0, equals), header.substr(equals + 1));
  }
  return bytes + "\r\n" + body;
}

CallPlan make_call_plan(
    const ServeOptions& options, const ServeTarget& target, const PromptSource& source
) {
  CallPlan plan;
  std::vector<double> times;
  const bool is_trace = options.dataset.name == "trace";
  std::vector<SampleRequest> requests =
      is_trace ? trace_requests(options, source, times) : make_requests(options.dataset, source);
  const bool has_own_times = is_trace && std::isinf(options.request_rate);
  if (!has_own_times) times = arrival_times(options, requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    SampleRequest& request = requests[i];
    // Text is what users send. A trace keeps its token ids, so that prompts begin alike where it
    // says so; only chat has no other way than text.
    const bool needs_text = request.prompt.text.empty() && (!is_trace || options.is_chat());
    if (needs_text) {
      request.prompt.text = text_of(*source.tokenizer, request.prompt.token_ids, i);
    }
    PlannedCall& call = plan.calls.emplace_back();
    call.at = times[i];
    call.num_prompt_tokens = request.num_prompt_tokens;
    call.num_output_tokens = request.num_output_tokens;
    const std::string body = body_of(options, target.model, request);
    call.bytes = http_post(target, options.endpoint, options.header, body);
  }
  plan.rate_changes = rate_changes(options, times);
  return plan;
}

}  // namespace quire::bench
