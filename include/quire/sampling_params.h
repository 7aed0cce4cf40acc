#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/api.h"

namespace QUIRE_API quire {

class LogitsProcessor;  // quire/logits_processor.h

// How much of the text each RequestOutput carries.
enum class RequestOutputKind : uint8_t {
  kCumulative,  // everything so far
  kDelta,  // what is new since the last output
  kFinalOnly,  // one output, when the request has finished
};

// Ends a request whose tail is a pattern that repeats.
struct RepetitionDetection {
  int max_pattern_size = 0;  // tokens, >= min_pattern_size
  int min_pattern_size = 1;  // tokens, >= 1
  int min_count = 2;  // repetitions, >= 2
  bool operator==(const RepetitionDetection&) const = default;
};

// How to sample one request. Names, defaults and rules are vLLM's; validate() gives its errors.
struct SamplingParams {
  int n = 1;  // completions of the prompt, 1 to VLLM_MAX_N_SEQUENCES; 1 when greedy
  double presence_penalty = 0.0;  // [-2, 2]
  double frequency_penalty = 0.0;  // [-2, 2]
  double repetition_penalty = 1.0;  // > 0
  double temperature = 1.0;  // >= 0; 0: greedy; (0, 0.01) is raised to 0.01
  double top_p = 1.0;  // (0, 1]
  int top_k = 0;  // 0 or -1: off
  double min_p = 0.0;  // [0, 1]
  std::optional<int64_t> seed;  // -1 means none
  std::vector<std::string> stop;  // no empty string; needs detokenize
  std::vector<int32_t> stop_token_ids;
  bool ignore_eos = false;
  std::optional<int> max_tokens = 16;  // >= 1; none: up to the model's length
  int min_tokens = 0;  // tokens before a stop may end the request, <= max_tokens
  std::optional<int> logprobs;  // top-k per sampled token; 0: the sampled one only; -1: all
  std::optional<int> prompt_logprobs;  // the same for the prompt
  std::optional<std::vector<int32_t>> logprob_token_ids;  // these instead, at most 128
  bool detokenize = true;
  bool skip_special_tokens = true;
  bool spaces_between_special_tokens = true;
  bool include_stop_str_in_output = false;
  RequestOutputKind output_kind = RequestOutputKind::kCumulative;
  std::map<int32_t, float> logit_bias;  // token id -> bias, clamped to [-100, 100]
  std::optional<std::vector<int32_t>> allowed_token_ids;  // not empty
  std::vector<std::string> bad_words;  // no empty string
  std::optional<RepetitionDetection> repetition_detection;
  std::optional<bool> skip_reading_prefix_cache;  // default and rule: true with prompt_logprobs

  // Code of the user's own that changes logits: one for each of the n completions, or none at all.
  std::vector<std::shared_ptr<LogitsProcessor>> logits_processors;

  // Filled in by the engine from the tokenizer and the model; users leave them empty.
  std::vector<std::vector<int32_t>> bad_words_token_ids;
  std::optional<int32_t> eos_token_id;  // further end-of-text ids are appended to stop_token_ids

  bool operator==(const SamplingParams&) const = default;

  bool is_greedy() const { return temperature < 1e-5; }  // after validate(): it is 0

  // Checks every rule that needs no model, and normalises: seed -1, top_k -1, tiny temperatures,
  // greedy resets top_p, top_k and min_p. Throws InvalidArgument with the field's name.
  void validate();
};

// Search for the likeliest completions on top of the engine.
struct BeamSearchParams {
  int beam_width = 1;  // >= 1; twice as many may be at most max_logprobs of the engine
  int max_tokens = 16;  // >= 1
  bool ignore_eos = false;
  double temperature = 0.0;
  double length_penalty = 1.0;  // score = cumulative logprob / length^length_penalty
  bool include_stop_str_in_output = false;
};

}  // namespace quire
