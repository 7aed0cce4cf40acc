#include "support/goldens.h"

#include "support/json_reader.h"
#include "support/test_paths.h"

namespace quire::test {
namespace {

using simdjson::dom::element;

GoldenSteps read_steps(element value) {
  GoldenSteps steps{
      .kind = read_json<std::string>(value["kind"]),
      .prompt_ids = read_json_vector<int32_t>(value["prompt_ids"]),
      .greedy_ids = read_json_vector<int32_t>(value["greedy_ids"]),
      .logprobs = read_json_vector<float>(value["logprobs"]),
      .top2_ids = read_json_pairs<int32_t>(value["top2_ids"]),
      .top2_logits = read_json_pairs<float>(value["top2_logits"]),
  };
  if (steps.kind == "short") {
    steps.prompt = read_json<std::string>(value["prompt"]);
    steps.text = read_json<std::string>(value["text"]);
    steps.prompt_logprobs = read_json_vector<float>(value["prompt_logprobs"]);
  }
  return steps;
}

StoryGreedy read_story_greedy(element value) {
  return {
      .prompt = read_json<std::string>(value["prompt"]),
      .prompt_ids = read_json_vector<int32_t>(value["prompt_ids"]),
      .greedy_ids = read_json_vector<int32_t>(value["greedy_ids"]),
      .text = read_json<std::string>(value["text"]),
  };
}

StoryLogprobs read_story_logprobs(element value) {
  return {
      .prompt = read_json<std::string>(value["prompt"]),
      .prompt_ids = read_json_vector<int32_t>(value["prompt_ids"]),
      .prompt_logprobs = read_json_vector<double>(value["prompt_logprobs"]),
      .argmax = read_json_vector<int32_t>(value["argmax"]),
  };
}

template <typename T>
std::vector<T> read_cases(std::string_view file, std::string_view key, T (*read)(element)) {
  const JsonFile json(test_data_dir() / "goldens" / file);
  std::vector<T> cases;
  for (element value : simdjson::dom::array(json.root()[key]))
    cases.push_back(read(value));
  return cases;
}

}  // namespace

std::vector<GoldenSteps> load_small_chat_goldens(std::string_view model) {
  return read_cases("small_chat.json", model, read_steps);
}

std::vector<StoryGreedy> load_story_greedy() {
  return read_cases("stories260k.json", "greedy", read_story_greedy);
}

std::vector<StoryLogprobs> load_story_logprobs() {
  return read_cases("stories260k.json", "prompt_logprobs", read_story_logprobs);
}

}  // namespace quire::test
