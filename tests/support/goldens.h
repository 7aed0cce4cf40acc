#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Reference results of Hugging Face transformers and llama2.c, in float32 and float64; formats in
// tests/data/README.md. The loaders throw when a file is missing or malformed.
namespace quire::test {

// One prompt of small_chat.json and its greedy continuation, which ends with an end-of-text token
// or at 96 (short) or 48 (long) tokens.
struct GoldenSteps {
  std::string kind;  // "short" or "long"
  std::vector<int32_t> prompt_ids;  // [prompt_len], 7 to 55 or 300 to 1,900
  std::vector<int32_t> greedy_ids;  // [num_steps]
  std::vector<float> logprobs;  // [num_steps] of greedy_ids, over the whole vocabulary
  std::vector<std::array<int32_t, 2>> top2_ids;  // [num_steps], best first
  std::vector<std::array<float, 2>> top2_logits;  // [num_steps], best first

  // Only where kind is "short"; empty otherwise.
  std::string prompt;  // text of prompt_ids
  std::string text;  // text of greedy_ids, special tokens kept
  std::vector<float> prompt_logprobs;  // [prompt_len - 1], of prompt_ids[1..]

  // How near step i is to a tie.
  float gap(size_t i) const { return top2_logits[i][0] - top2_logits[i][1]; }
};

// 12 short and 10 long prompts; `model` is "small-chat" or "small-chat-draft". Both models have the
// same prompts in the same order.
std::vector<GoldenSteps> load_small_chat_goldens(std::string_view model);

// One greedy continuation of stories260K.
struct StoryGreedy {
  std::string prompt;
  std::vector<int32_t> prompt_ids;  // begins with the beginning-of-text token
  std::vector<int32_t> greedy_ids;
  std::string text;  // prompt and continuation
};
std::vector<StoryGreedy> load_story_greedy();

// One text scored by stories260K in float64.
struct StoryLogprobs {
  std::string prompt;
  std::vector<int32_t> prompt_ids;  // [prompt_len]
  std::vector<double> prompt_logprobs;  // [prompt_len - 1], of prompt_ids[1..]
  std::vector<int32_t> argmax;  // [prompt_len], the greedy token after prompt_ids[..i]
};
std::vector<StoryLogprobs> load_story_logprobs();

}  // namespace quire::test
