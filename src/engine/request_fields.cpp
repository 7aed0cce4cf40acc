#include "engine/request_fields.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/edit_distance.h"
#include "base/name_pattern.h"
#include "config/field_visitor.h"
#include "quire/error.h"

namespace quire {
namespace {

struct Refusal {
  std::string_view name;  // see matches_pattern
  const char* advice;
};

constexpr const char* kNoGrammar =
    "Constrained output is not supported yet: leave it out, ask for the format in the prompt and "
    "check the answer.";
constexpr const char* kNoMoe = "Expert routing is not reported: leave it out.";
constexpr const char* kNoMultiModal =
    "Only text models run here: put the prompt into prompt, prompt_token_ids or messages.";
constexpr const char* kNoSpeculation =
    "Speculative decoding is not supported yet: leave it out. It would not change the text.";
constexpr const char* kForProcessors =
    "Only the processors of LLM(logits_processors=[…]) in Python could read it: leave it out here.";
constexpr const char* kByEngine =
    "The engine fills it in from the tokenizer: use bad_words, stop_token_ids or ignore_eos.";

constexpr Refusal kRefusals[] = {
    {"structured_outputs", kNoGrammar},
    {"response_format", kNoGrammar},
    {"guided_*", kNoGrammar},
    {"speculative_*", kNoSpeculation},
    {"num_speculative_tokens", kNoSpeculation},
    {"draft_*", kNoSpeculation},
    {"best_of",
     "Ask for n completions with logprobs and keep the one with the best "
     "cumulative_logprob."},
    {"use_beam_search", "Call LLM::beam_search; a request line cannot ask for it."},
    {"length_penalty", "It belongs to beam search: call LLM::beam_search."},
    {"logits_processors",
     "JSON cannot carry code: run it in Python with LLM(logits_processors=[…]), or use logit_bias, "
     "allowed_token_ids or bad_words."},
    {"flat_logprobs", "logprobs always come as a list of {token id: logprob}: leave it out."},
    {"thinking_token_budget", "Set max_tokens instead."},
    {"extra_args", kForProcessors},
    {"vllm_xargs", kForProcessors},
    {"routed_experts*", kNoMoe},
    {"return_routed_experts", kNoMoe},
    {"prompt_embeds", "Prompts are text or token ids: use prompt or prompt_token_ids."},
    {"prompt_logprob_token_ids", "Use prompt_logprobs, -1 for the whole vocabulary."},
    {"prompt_logprob_start", "Use prompt_logprobs and drop the first entries."},
    {"multi_modal_*", kNoMultiModal},
    {"mm_processor_kwargs", kNoMultiModal},
    {"encoder_prompt", kNoMultiModal},
    {"decoder_prompt", "Put the prompt into prompt or prompt_token_ids."},
    {"lora_request", "LoRA adapters are not supported: merge the adapter into the model."},
    {"trace_decode_token_ids", "Tokens cannot be forced: use allowed_token_ids or logit_bias."},
    {"truncate_prompt_tokens", "Shorten the prompt before it is sent."},
    {"echo", "The prompt stands in the output's prompt field: leave it out."},
    {"suffix", "Filling in the middle is not supported: put the text before the gap into prompt."},
    {"stream", "Outputs of a file are written when they are complete: leave it out."},
    {"stream_interval", "It is an option of the engine: --stream-interval."},
    {"model", "One engine runs one model: choose it with --model and leave it out here."},
    {"max_completion_tokens", "Use max_tokens."},
    {"max_new_tokens", "Use max_tokens."},
    {"min_new_tokens", "Use min_tokens."},
    {"top_logprobs", "Use logprobs with the number of tokens."},
    {"do_sample", "Use temperature: 0 is greedy."},
    {"eos_token_id", kByEngine},
    {"bad_words_token_ids", kByEngine},
    {"skip_clone", "It has no meaning here: leave it out."},
};

std::vector<std::string_view> list_known_names() {
  std::vector<std::string_view> names = {
      "prompt",
      "prompt_token_ids",
      "messages",
      "tools",
      "chat_template_kwargs",
      "add_generation_prompt",
      "continue_final_message",
      "request_id",
      "priority",
      "cache_salt",
      "logit_bias",
      "repetition_detection",
      "output_kind",
  };
  SamplingParams params;
  visit_sampling_fields(params, [&](const char* name, auto&, const char*, const char*) {
    names.push_back(name);
  });
  return names;
}

const std::vector<std::string_view>& known_names() {
  static const auto names = list_known_names();
  return names;
}

}  // namespace

const char* refusal_of(std::string_view name) {
  for (const Refusal& refusal : kRefusals) {
    if (matches_pattern(refusal.name, name)) return refusal.advice;
  }
  return nullptr;
}

bool is_known_field(std::string_view name) {
  return std::ranges::find(known_names(), name) != known_names().end();
}

void refuse_unknown_field(std::string_view name) {
  constexpr size_t kMaxShown = 64;
  const std::string_view shown = name.substr(0, kMaxShown);
  const auto& names = known_names();
  const auto distance = [&](std::string_view known) { return edit_distance(shown, known); };
  const std::string_view nearest = *std::ranges::min_element(names, {}, distance);
  if (distance(nearest) <= 1 + nearest.size() / 3) {
    throw InvalidArgument(
        std::string(shown), fmt::format("Unknown field '{}'. Did you mean '{}'?", shown, nearest)
    );
  }
  throw InvalidArgument(
      std::string(shown),
      fmt::format("Unknown field '{}'. Known fields: {}.", shown, fmt::join(names, ", "))
  );
}

}  // namespace quire
