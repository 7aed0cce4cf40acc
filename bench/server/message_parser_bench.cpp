// Tool calls and reasoning of a stream, in pieces of one token (4 bytes): tokens and bytes per
// second of one core. The same rate for a text of 16 KiB and one of 1 MiB: the time is linear.
//
//   quire_message_parser_bench [--benchmark_filter=hermes]

#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "server/message_parser.h"

namespace quire::server {
namespace {

constexpr size_t kTokenBytes = 4;

struct Sample {
  const char* name;
  MessageFormat format;
  std::string before;
  std::string repeated;
  std::string after;
};

std::string prose() {
  return "The quick brown fox, as ever, jumps over <b>one</b> lazy dog.\n";
}

std::vector<Sample> samples() {
  const std::string json = R"("a b", 12, {"k": [true, null, "x\ny"]}, )";
  const std::string python = R"('a b', 12, {'k': [True, None, 'x\ny']}, )";
  return {
      {"none", {}, "", prose(), ""},
      {"hermes content", {.tool_call_parser = "hermes"}, "", prose(), ""},
      {"hermes call",
       {.tool_call_parser = "hermes"},
       R"(<tool_call>{"name": "f", "arguments": {"a": [)",
       json,
       "0]}}</tool_call>"},
      {"hermes calls",
       {.tool_call_parser = "hermes"},
       "",
       "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>\n",
       ""},
      {"llama3_json content",
       {.tool_call_parser = "llama3_json"},
       "",
       "{ a } and {\"b\": 1}\n",
       ""},
      {"pythonic call", {.tool_call_parser = "pythonic"}, "[f(a=[", python, "0])]"},
      {"mistral call", {.tool_call_parser = "mistral"}, R"([TOOL_CALLS]f{"a": [)", json, "0]}"},
      {"qwen3_xml call",
       {.tool_call_parser = "qwen3_xml"},
       "<tool_call>\n<function=f>\n<parameter=a>\n",
       prose(),
       "\n</parameter>\n</function>\n</tool_call>"},
      {"deepseek_v3 calls",
       {.tool_call_parser = "deepseek_v3"},
       "<｜tool▁calls▁begin｜>",
       "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"a\": "
       "1}\n```<｜tool▁call▁end｜>\n",
       "<｜tool▁calls▁end｜>"},
      {"qwen3 thoughts", {.reasoning_parser = "qwen3"}, "<think>", prose(), "</think>"},
      {"qwen3 thoughts, hermes content",
       {.tool_call_parser = "hermes", .reasoning_parser = "qwen3"},
       "<think></think>",
       prose(),
       ""},
  };
}

void run(benchmark::State& state, const Sample& sample, size_t size) {
  std::string text = sample.before;
  while (text.size() < size)
    text += sample.repeated;
  text += sample.after;
  size_t num_bytes_out = 0;
  for (auto _ : state) {
    MessageParser parser(sample.format);
    for (size_t begin = 0; begin < text.size(); begin += kTokenBytes) {
      const MessageDelta delta = parser.push(std::string_view(text).substr(begin, kTokenBytes));
      num_bytes_out += delta.content.size() + delta.reasoning.size() + delta.tool_calls.size();
    }
    num_bytes_out += parser.finish().content.size();
  }
  benchmark::DoNotOptimize(num_bytes_out);
  const size_t num_tokens = (text.size() + kTokenBytes - 1) / kTokenBytes;
  state.SetBytesProcessed(static_cast<int64_t>(text.size() * state.iterations()));
  state.SetItemsProcessed(static_cast<int64_t>(num_tokens * state.iterations()));
}

}  // namespace
}  // namespace quire::server

int main(int argc, char** argv) {
  using quire::server::run;
  const auto samples = quire::server::samples();
  for (const auto& sample : samples) {
    for (const size_t kib : {16, 1024}) {
      benchmark::RegisterBenchmark(
          fmt::format("{}, {} KiB", sample.name, kib).c_str(),
          [&sample, kib](benchmark::State& state) { run(state, sample, kib * 1024); }
      );
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
