// Tokenizing and detokenizing on one core.
//
//   FASTOKENS_BPE_THREADS=1 quire_text_bench [--tokenizer=DIR|FILE] [--text=FILE]
//
// Without --text: 5 MB of words drawn from the vocabulary, new ones among them. The text counts as
// distinct only if the file's is: the tokenizer remembers words.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/file.h"
#include "quire/chat_template.h"
#include "quire/tokenizer.h"
#include "text/incremental_detokenizer.h"

namespace quire {
namespace {

struct Setup {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string text;
  std::vector<int32_t> ids;  // of `text`
};

// Words with the frequencies of Zipf's law; every 50th is put together from two.
std::string made_up_text(const Tokenizer& tokenizer, size_t size) {
  std::vector<std::string> words;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    std::string word = tokenizer.token_text(id);
    if (word.size() > 2 && word.front() == ' ') words.push_back(std::move(word));
  }
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponent(0.0, 1.0);
  const auto draw = [&]() -> const std::string& {
    const double rank = std::pow(static_cast<double>(words.size()), exponent(random)) - 1;
    return words[std::min(static_cast<size_t>(rank), words.size() - 1)];
  };
  std::string text;
  while (text.size() < size) {
    text += draw();
    if (random() % 50 == 0) text += std::string_view(draw()).substr(1);
    if (random() % 12 == 0) text += random() % 4 == 0 ? ".\n" : ",";
  }
  return text;
}

void encode_all(benchmark::State& state, const Setup& setup) {
  size_t num_ids = 0;
  for (auto _ : state)
    num_ids = setup.tokenizer->encode(setup.text, false).size();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * setup.text.size()));
  state.counters["tokens"] = static_cast<double>(num_ids);
}

// Prompts of `state.range(0)` bytes, one call each.
void encode_prompts(benchmark::State& state, const Setup& setup) {
  std::vector<std::string_view> prompts;
  const std::string_view text = setup.text;
  const auto size = static_cast<size_t>(state.range(0));
  for (size_t begin = 0; begin < text.size();) {
    const size_t space = text.find(' ', std::min(begin + size, text.size()));
    const size_t end = std::min(space, text.size());
    prompts.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  for (auto _ : state)
    for (std::string_view prompt : prompts)
      benchmark::DoNotOptimize(setup.tokenizer->encode(prompt, false));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void detokenize(benchmark::State& state, const Setup& setup) {
  std::string increment;
  for (auto _ : state) {
    IncrementalDetokenizer detokenizer(setup.tokenizer, {}, true, true);
    for (int32_t id : setup.ids) {
      increment.clear();
      detokenizer.append(id, increment);
      benchmark::DoNotOptimize(increment.data());
    }
  }
  state.counters["per_token"] = benchmark::Counter(
      static_cast<double>(state.iterations() * setup.ids.size()),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert
  );
}

// A conversation of `state.range(0)` messages.
void render_chat(benchmark::State& state, const std::string& model_dir) {
  const auto chat = ChatTemplate::from_dir(model_dir);
  std::string context = R"({"add_generation_prompt":true,"messages":[)";
  for (int64_t i = 0; i < state.range(0); ++i) {
    if (i > 0) context += ',';
    context += i % 2 == 0 ? R"({"role":"user","content":"What is the weather?"})"
                          : R"({"role":"assistant","content":"It rains."})";
  }
  context += "]}";
  for (auto _ : state)
    benchmark::DoNotOptimize(chat->render(context));
}

void load(benchmark::State& state, const std::string& tokenizer) {
  for (auto _ : state)
    benchmark::DoNotOptimize(Tokenizer::from_dir(tokenizer));
}

// Takes --name=value out of the arguments.
std::string take_option(int& argc, char** argv, std::string_view name, std::string fallback) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(name)) continue;
    fallback = argument.substr(name.size());
    std::copy(argv + i + 1, argv + argc, argv + i);
    --argc;
    break;
  }
  return fallback;
}

int run(int argc, char** argv) {
  const std::string path = take_option(argc, argv, "--tokenizer=", QUIRE_MODEL_DIR);
  const std::string text_file = take_option(argc, argv, "--text=", "");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;

  const bool is_dir = std::filesystem::is_directory(path);
  Setup setup;
  setup.tokenizer = is_dir ? Tokenizer::from_dir(path) : Tokenizer::from_file(path);
  setup.text = text_file.empty() ? made_up_text(*setup.tokenizer, 5'000'000) : read_file(text_file);
  std::printf(
      "%zu bytes, tokenizer backend %s\n", setup.text.size(), setup.tokenizer->backend().data()
  );
  // The first call is timed by itself: no word has been seen yet.
  benchmark::RegisterBenchmark("encode/first_call", encode_all, setup)
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("encode/again", encode_all, setup)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("encode/prompts", encode_prompts, setup)
      ->Arg(256)
      ->Arg(2048)
      ->Arg(16384)
      ->Unit(benchmark::kMillisecond);
  setup.ids = setup.tokenizer->encode(std::string_view(setup.text).substr(0, 1'000'000), false);
  setup.tokenizer = is_dir ? Tokenizer::from_dir(path) : Tokenizer::from_file(path);
  benchmark::RegisterBenchmark("detokenize", detokenize, setup)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("render_chat", render_chat, QUIRE_MODEL_DIR)->Arg(1)->Arg(100);
  if (is_dir) benchmark::RegisterBenchmark("load", load, path)->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace quire

int main(int argc, char** argv) {
  try {
    return quire::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
