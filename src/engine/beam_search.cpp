#include "engine/beam_search.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "quire/error.h"
#include "quire/tokenizer.h"
#include "text/incremental_detokenizer.h"

namespace quire {
namespace {

struct Beam {
  std::vector<int32_t> token_ids;  // prompt and output
  double cumulative_logprob = 0.0;
  bool ended = false;  // by an end-of-text token, which token_ids may or may not show
};

// The search of one prompt.
struct Search {
  size_t num_prompt_tokens = 0;
  std::string cache_salt;
  std::vector<Beam> beams;  // still growing, best first
  std::vector<Beam> completed;
};

// A step asks for twice as many candidates as there are beams.
void check(const BeamSearchParams& params, int vocab_size) {
  const auto require_positive = [](const char* field, int value) {
    if (value >= 1) return;
    throw InvalidArgument(field, fmt::format("{} must be at least 1, got {}.", field, value));
  };
  require_positive("beam_width", params.beam_width);
  require_positive("max_tokens", params.max_tokens);
  if (params.beam_width > vocab_size / 2) {
    throw InvalidArgument(
        "beam_width",
        fmt::format(
            "beam_width must be at most {}, half of the vocabulary, got {}.",
            vocab_size / 2,
            params.beam_width
        )
    );
  }
}

class BeamSearcher {
 public:
  BeamSearcher(LLM& llm, const BeamSearchParams& params, const std::function<void()>& poll)
      : llm_(llm), params_(params), poll_(poll), eos_token_ids_(llm.engine().eos_token_ids()) {
    step_params_.max_tokens = 1;
    step_params_.logprobs = 2 * params.beam_width;
    step_params_.temperature = params.temperature;
    step_params_.detokenize = false;
  }

  std::vector<std::vector<BeamSearchSequence>> run(std::span<const Prompt> prompts) {
    for (const Prompt& prompt : prompts)
      searches_.push_back(start(prompt));
    for (int i = 0; i < params_.max_tokens && step(); ++i) {
    }
    std::vector<std::vector<BeamSearchSequence>> results;
    for (Search& search : searches_)
      results.push_back(best_of(search));
    return results;
  }

 private:
  Search start(const Prompt& prompt) const {
    Search search;
    search.cache_salt = prompt.cache_salt;
    Beam beam;
    const auto tokenizer = llm_.engine().tokenizer();
    beam.token_ids =
        prompt.token_ids.empty() && tokenizer ? tokenizer->encode(prompt.text) : prompt.token_ids;
    search.num_prompt_tokens = beam.token_ids.size();
    search.beams.push_back(std::move(beam));
    return search;
  }

  // One more token for every growing beam; false: none is left.
  bool step() {
    std::vector<Prompt> prompts;
    for (Search& search : searches_) {
      retire_full_beams(search);
      for (const Beam& beam : search.beams)
        prompts.push_back({.token_ids = beam.token_ids, .cache_salt = search.cache_salt});
    }
    if (prompts.empty()) return false;
    const std::vector<RequestOutput> outputs = generate(prompts);
    size_t next = 0;
    for (Search& search : searches_) {
      const size_t num_beams = search.beams.size();
      expand(search, std::span(outputs).subspan(next, num_beams));
      next += num_beams;
    }
    return true;
  }

  std::vector<RequestOutput> generate(const std::vector<Prompt>& prompts) {
    const GenerateOptions options{.use_tqdm = false, .poll = poll_};
    try {
      return llm_.generate(prompts, {&step_params_, 1}, options);
    } catch (const InvalidArgument& error) {
      if (error.field() != "logprobs") throw;
      throw InvalidArgument(
          "beam_width",
          fmt::format(
              "beam_width {} looks at {} candidates a step. {}",
              params_.beam_width,
              *step_params_.logprobs,
              error.what()
          )
      );
    }
  }

  // A sequence as long as the model allows ends as it is.
  void retire_full_beams(Search& search) const {
    const auto max_model_len = static_cast<size_t>(llm_.engine().max_model_len());
    const auto is_full = [&](const Beam& beam) {
      return beam.token_ids.size() >= max_model_len &&
             beam.token_ids.size() > search.num_prompt_tokens;
    };
    for (const Beam& beam : search.beams) {
      if (is_full(beam)) search.completed.push_back(beam);
    }
    std::erase_if(search.beams, is_full);
  }

  void expand(Search& search, std::span<const RequestOutput> outputs) const {
    std::vector<Beam> grown;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].error) throw InternalError("beam search: " + *outputs[i].error);
      const CompletionOutput& completion = outputs[i].outputs.front();
      if (!completion.logprobs || completion.logprobs->empty()) continue;
      for (const auto& [token_id, candidate] : completion.logprobs->front()) {
        Beam beam = extend(search.beams[i], token_id, candidate.logprob);
        (beam.ended ? search.completed : grown).push_back(std::move(beam));
      }
    }
    keep_best(grown);
    search.beams = std::move(grown);
  }

  Beam extend(const Beam& beam, int32_t token_id, double logprob) const {
    Beam longer = beam;
    longer.cumulative_logprob += logprob;
    longer.ended = !params_.ignore_eos && is_eos(token_id);
    if (!longer.ended || params_.include_stop_str_in_output) longer.token_ids.push_back(token_id);
    return longer;
  }

  bool is_eos(int32_t token_id) const {
    return std::find(eos_token_ids_.begin(), eos_token_ids_.end(), token_id) !=
           eos_token_ids_.end();
  }

  // The end-of-text token does not count as length.
  double score(const Beam& beam) const {
    const bool shows_eos = beam.ended && params_.include_stop_str_in_output;
    const auto length = static_cast<double>(beam.token_ids.size() - (shows_eos ? 1 : 0));
    return beam.cumulative_logprob / std::pow(length, params_.length_penalty);
  }

  void keep_best(std::vector<Beam>& beams) const {
    std::stable_sort(beams.begin(), beams.end(), [this](const Beam& a, const Beam& b) {
      return score(a) > score(b);
    });
    const auto width = static_cast<size_t>(params_.beam_width);
    if (beams.size() > width) beams.resize(width);
  }

  std::vector<BeamSearchSequence> best_of(Search& search) const {
    std::vector<Beam> all = std::move(search.completed);
    std::move(search.beams.begin(), search.beams.end(), std::back_inserter(all));
    keep_best(all);
    std::vector<BeamSearchSequence> sequences;
    for (Beam& beam : all) {
      BeamSearchSequence& sequence = sequences.emplace_back();
      sequence.text = text_of(beam, search.num_prompt_tokens);
      sequence.token_ids = std::move(beam.token_ids);
      sequence.cumulative_logprob = beam.cumulative_logprob;
      sequence.finish_reason = beam.ended ? FinishReason::kStop : FinishReason::kLength;
    }
    return sequences;
  }

  std::string text_of(const Beam& beam, size_t num_prompt_tokens) const {
    const auto tokenizer = llm_.engine().tokenizer();
    std::string text;
    if (!tokenizer) return text;
    const auto ids = std::span(beam.token_ids);
    const bool skip_special_tokens = !params_.include_stop_str_in_output;
    IncrementalDetokenizer detokenizer(
        tokenizer, ids.first(num_prompt_tokens), skip_special_tokens, true
    );
    for (const int32_t id : ids.subspan(num_prompt_tokens))
      detokenizer.append(id, text);
    detokenizer.finish(text);
    return text;
  }

  LLM& llm_;
  const BeamSearchParams& params_;
  const std::function<void()>& poll_;
  const std::vector<int32_t> eos_token_ids_;
  SamplingParams step_params_;
  std::vector<Search> searches_;
};

}  // namespace

std::vector<std::vector<BeamSearchSequence>> beam_search(
    LLM& llm,
    std::span<const Prompt> prompts,
    const BeamSearchParams& params,
    const std::function<void()>& poll
) {
  check(params, llm.engine().vocab_size());
  return BeamSearcher(llm, params, poll).run(prompts);
}

}  // namespace quire
