#include "server/requests/refused_fields.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/name_pattern.h"
#include "quire/error.h"

namespace quire::server {
namespace {

struct Refusal {
  std::string_view name;  // see matches_pattern
  const char* advice;
};

constexpr const char* kNoGrammar =
    "Constrained output is not supported yet: leave it out, ask for the format in the prompt and "
    "check the answer.";
constexpr const char* kTextOnly = "Only text models run here: leave it out.";

constexpr Refusal kRefusals[] = {
    {"structured_outputs", kNoGrammar},
    {"guided_*", kNoGrammar},
    {"structural_tag", kNoGrammar},
    {"use_beam_search",
     "Beam search runs offline, with LLM::beam_search: leave it out, or ask for n completions."},
    {"logits_processors",
     "JSON cannot carry code: run it in Python with LLM(logits_processors=[…]), or use logit_bias, "
     "allowed_token_ids or bad_words."},
    {"vllm_xargs",
     "Only the processors of LLM(logits_processors=[…]) in Python could read it, and a server has "
     "none: leave it out."},
    {"thinking_token_budget", "Set max_tokens instead."},
    {"prompt_embeds", "Prompts are text or token ids: use prompt."},
    {"mm_processor_kwargs", kTextOnly},
    {"media_io_kwargs", kTextOnly},
    {"modalities", kTextOnly},
    {"audio", kTextOnly},
    {"kv_transfer_params", "KV caches are not transferred between servers: leave it out."},
    {"suffix", "Put the text before the gap into prompt."},
    {"return_prompt_text", "Use echo, or /v1/chat/completions/render with /detokenize."},
    {"functions", "Use tools, which replaced it."},
    {"function_call", "Use tool_choice, which replaced it."},
    {"web_search_options", "The server searches nothing: give the model a tool that does."},
    {"lora_request", "LoRA adapters are not supported: merge the adapter into the model."},
};

// ["text"] is what this server does anyway.
bool asks_for_text_alone(const RequestValue& modalities) {
  for (const simdjson::dom::element entry : modalities.array()) {
    std::string_view name;
    if (entry.get(name) != simdjson::SUCCESS || name != "text") return false;
  }
  return true;
}

}  // namespace

bool refuse_field(const RequestValue& value) {
  for (const Refusal& refusal : kRefusals) {
    if (!matches_pattern(refusal.name, value.name())) continue;
    if (value.says_nothing()) return true;
    if (value.name() == "modalities" && asks_for_text_alone(value)) return true;
    throw InvalidArgument(
        std::string(value.name()),
        fmt::format("{} is not supported. {}", value.name(), refusal.advice)
    );
  }
  return false;
}

}  // namespace quire::server
