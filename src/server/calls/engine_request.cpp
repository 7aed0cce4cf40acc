#include "server/calls/engine_request.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "quire/error.h"
#include "quire/tokenizer.h"
#include "server/random_id.h"

namespace quire::server {
namespace {

// Outputs of single tokens that may wait for a connection before they are merged.
constexpr int kMaxPendingOutputs = 16;

// max_new_tokens of generation_config.json; none: it has none.
std::optional<int> max_new_tokens(const ServerState& state) {
  const std::optional<int> given = state.default_sampling_params.max_tokens;
  return given == SamplingParams{}.max_tokens ? std::nullopt : given;
}

// A stream whose request can be found by its answer's id.
struct FindableStream {
  FindableStream(std::unique_ptr<EngineIds::Entry> entry, std::shared_ptr<RequestStream> stream)
      : entry(std::move(entry)), stream(std::move(stream)) {}

  const std::unique_ptr<EngineIds::Entry> entry;
  const std::shared_ptr<RequestStream> stream;
};

std::shared_ptr<RequestStream> add_to_engine(
    const ServerState& state,
    const std::string& request_id,
    const Prompt& prompt,
    const SamplingParams& params,
    const AddRequestOptions& options
) {
  try {
    return state.engine.add_request(request_id, prompt, params, options);
  } catch (const InvalidArgument& error) {
    if (error.field() != "request_id") throw;
  }
  return state.engine.add_request(request_id + "-" + random_hex(8), prompt, params, options);
}

}  // namespace

void truncate_prompt(
    const ServerState& state,
    const Truncation& truncation,
    std::optional<int> max_tokens,
    Prompt& prompt
) {
  if (!truncation.truncate_prompt_tokens) return;
  const int max_model_len = state.engine.max_model_len();
  int num_kept = *truncation.truncate_prompt_tokens;
  if (num_kept > max_model_len) {
    throw InvalidArgument(
        "truncate_prompt_tokens",
        fmt::format(
            "truncate_prompt_tokens value ({}) is greater than max_model_len ({}). Please, select "
            "a smaller truncation size.",
            num_kept,
            max_model_len
        )
    );
  }
  if (num_kept < 0) num_kept = std::max(1, max_model_len - std::max(1, max_tokens.value_or(1)));
  std::vector<int32_t>& ids = prompt.token_ids;
  if (ids.size() <= static_cast<size_t>(num_kept)) return;
  if (truncation.keeps_end) {
    ids.erase(ids.begin(), ids.end() - num_kept);
  } else {
    ids.resize(num_kept);
  }
  if (!prompt.text.empty()) prompt.text = state.engine.tokenizer()->decode(ids);
}

int resolve_max_tokens(
    const ServerState& state,
    size_t num_prompt_tokens,
    std::optional<int> wished,
    std::optional<int> otherwise
) {
  const int max_model_len = state.engine.max_model_len();
  if (num_prompt_tokens >= static_cast<size_t>(max_model_len)) {
    throw InvalidArgument(
        "input_tokens",
        fmt::format(
            "This model's maximum context length is {} tokens. However, your request has {} input "
            "tokens. Please reduce the length of the input messages.",
            max_model_len,
            num_prompt_tokens
        )
    );
  }
  const int room = max_model_len - static_cast<int>(num_prompt_tokens);
  if (wished && *wished > room) {
    throw InvalidArgument(
        "max_tokens",
        fmt::format(
            "'max_tokens' or 'max_completion_tokens' is too large: {}. This model's maximum "
            "context length is {} tokens and your request has {} input tokens ({} > {} - {}).",
            *wished,
            max_model_len,
            num_prompt_tokens,
            *wished,
            max_model_len,
            num_prompt_tokens
        )
    );
  }
  const int wanted = wished ? *wished : std::min(otherwise.value_or(room), room);
  return std::min(wanted, max_new_tokens(state).value_or(room));
}

std::shared_ptr<RequestStream> add_request(
    const ServerState& state,
    const RequestIds& ids,
    const Prompt& prompt,
    const SamplingParams& params,
    int priority,
    const CallContext& context
) {
  AddRequestOptions options;
  options.priority = priority;
  options.on_output = context.on_output;
  if (params.output_kind == RequestOutputKind::kDelta) {
    options.max_pending_outputs = kMaxPendingOutputs;
  }
  auto stream = add_to_engine(state, ids.engine, prompt, params, options);
  if (stream->request_id() == ids.answer) return stream;
  RequestStream* const raw = stream.get();
  auto entry = state.engine_ids->add(ids.answer, raw->request_id());
  auto findable = std::make_shared<FindableStream>(std::move(entry), std::move(stream));
  return {std::move(findable), raw};
}

void abort_requests(const ServerState& state, const std::string& id) {
  for (const std::string& engine_id : state.engine_ids->of_answer(id))
    state.engine.abort(engine_id);
  state.engine.abort(id);
}

}  // namespace quire::server
