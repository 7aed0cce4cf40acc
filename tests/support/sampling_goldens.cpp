#include "support/sampling_goldens.h"

#include <limits>
#include <map>
#include <string_view>

#include "support/json_reader.h"
#include "support/test_paths.h"

namespace quire::test {
namespace {

using simdjson::dom::element;

std::map<int32_t, float> read_logit_bias(element value) {
  std::map<int32_t, float> bias;
  for (auto field : simdjson::dom::object(value)) {
    bias[std::stoi(std::string(field.key))] = read_json<float>(field.value);
  }
  return bias;
}

std::vector<std::vector<int32_t>> read_bad_words(element value) {
  std::vector<std::vector<int32_t>> words;
  for (element word : simdjson::dom::array(value))
    words.push_back(read_json_vector<int32_t>(word));
  return words;
}

using Params = SamplingParams;
using Setter = void (*)(Params&, element);

const std::map<std::string_view, Setter>& setters() {
  static const std::map<std::string_view, Setter> table = {
      {"temperature", [](Params& p, element v) { p.temperature = read_json<double>(v); }},
      {"top_k", [](Params& p, element v) { p.top_k = read_json<int>(v); }},
      {"top_p", [](Params& p, element v) { p.top_p = read_json<double>(v); }},
      {"min_p", [](Params& p, element v) { p.min_p = read_json<double>(v); }},
      {"repetition_penalty",
       [](Params& p, element v) { p.repetition_penalty = read_json<double>(v); }},
      {"frequency_penalty",
       [](Params& p, element v) { p.frequency_penalty = read_json<double>(v); }},
      {"presence_penalty", [](Params& p, element v) { p.presence_penalty = read_json<double>(v); }},
      {"logprobs", [](Params& p, element v) { p.logprobs = read_json<int>(v); }},
      {"min_tokens", [](Params& p, element v) { p.min_tokens = read_json<int>(v); }},
      {"eos_token_id", [](Params& p, element v) { p.eos_token_id = read_json<int32_t>(v); }},
      {"stop_token_ids",
       [](Params& p, element v) { p.stop_token_ids = read_json_vector<int32_t>(v); }},
      {"allowed_token_ids",
       [](Params& p, element v) { p.allowed_token_ids = read_json_vector<int32_t>(v); }},
      {"bad_words_token_ids",
       [](Params& p, element v) { p.bad_words_token_ids = read_bad_words(v); }},
      {"logit_bias", [](Params& p, element v) { p.logit_bias = read_logit_bias(v); }},
  };
  return table;
}

void read_expected(SamplingGolden& golden, element expected) {
  golden.processed_logits.assign(golden.logits.begin(), golden.logits.end());
  const auto changed_ids = read_json_vector<int32_t>(expected["changed_ids"]);
  for (size_t i = 0; i < changed_ids.size(); ++i) {
    const element logit = expected["changed_logits"].at(i);
    golden.processed_logits.at(changed_ids[i]) =
        logit.is_null() ? -std::numeric_limits<double>::infinity() : read_json<double>(logit);
  }
  if (element greedy_id; expected["greedy_id"].get(greedy_id) == simdjson::SUCCESS) {
    golden.greedy_id = read_json<int32_t>(greedy_id);
  } else {
    golden.probs.assign(golden.logits.size(), 0.0);
    const auto kept_ids = read_json_vector<int32_t>(expected["kept_ids"]);
    const auto probs = read_json_vector<double>(expected["probs"]);
    for (size_t i = 0; i < kept_ids.size(); ++i)
      golden.probs.at(kept_ids[i]) = probs.at(i);
  }
  for (element entry : simdjson::dom::array(expected["raw_logprobs"])) {
    golden.raw_logprobs.push_back(
        {.token_id = read_json<int32_t>(entry.at(0)),
         .logprob = read_json<double>(entry.at(1)),
         .rank = read_json<int>(entry.at(2))}
    );
  }
}

SamplingGolden read_golden(element value, element logits) {
  SamplingGolden golden{
      .name = read_json<std::string>(value["name"]),
      .prompt_token_ids = read_json_vector<int32_t>(value["prompt_token_ids"]),
      .output_token_ids = read_json_vector<int32_t>(value["output_token_ids"]),
      .logits = read_json_vector<float>(logits[read_json<std::string>(value["logits"])]),
  };
  for (auto field : simdjson::dom::object(value["params"])) {
    setters().at(field.key)(golden.params, field.value);
  }
  read_expected(golden, value["expected"]);
  return golden;
}

}  // namespace

std::vector<SamplingGolden> load_sampling_goldens() {
  const JsonFile json(test_data_dir() / "goldens" / "sampling.json");
  std::vector<SamplingGolden> goldens;
  for (element value : simdjson::dom::array(json.root()["cases"])) {
    goldens.push_back(read_golden(value, json.root()["logits"]));
  }
  return goldens;
}

}  // namespace quire::test
