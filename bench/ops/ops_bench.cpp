#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include <benchmark/benchmark.h>

#include "backend/cpu_isa.h"
#include "base/math.h"
#include "bench/peaks.h"
#include "ops/attention.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "ops/sampling_rows.h"
#include "tensor/half.h"

// Kernels beside what the same process reads and multiplies at best.
// --threads=N and --cpu-isa=NAME come before Google Benchmark's own options.
namespace quire::bench {
namespace {

struct Machine {
  explicit Machine(int num_threads) : pool(num_threads), stream(Stream::cpu(pool)) {}

  // Measured once per footprint, rounded up to 1 MiB.
  double bandwidth(size_t num_bytes) {
    const size_t footprint = round_up<size_t>(num_bytes, size_t{1} << 20);
    auto [entry, is_new] = bandwidths.try_emplace(footprint, 0.0);
    if (is_new) entry->second = read_bandwidth(pool, footprint);
    return entry->second;
  }
  double flops() {
    if (peak == 0) peak = fma_peak(pool);
    return peak;
  }

  ThreadPool pool;
  Stream stream;
  std::map<size_t, double> bandwidths;
  double peak = 0;
};

Machine* machine = nullptr;

Storage random_values(DType dtype, int64_t count, int seed) {
  Storage storage = Storage::for_tensor(dtype, {count});
  std::minstd_rand generator(seed);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  for (int64_t i = 0; i < count; ++i) {
    const float value = uniform(generator);
    if (dtype == DType::kBFloat16) {
      static_cast<BFloat16*>(storage.data())[i] = to_bfloat16(value);
    } else {
      static_cast<float*>(storage.data())[i] = value;
    }
  }
  return storage;
}

struct LinearShape {
  int64_t n;
  int64_t k;
  LinearPrologue prologue = LinearPrologue::kNone;
};

// The linear layers of one forward pass, in order, each with weights of its own.
class LinearStack {
 public:
  LinearStack(const std::vector<LinearShape>& shapes, int num_repeats, DType dtype, int64_t m)
      : shapes_(shapes), m_(m) {
    int64_t widest = 0;
    for (const LinearShape& shape : shapes) {
      const Storage values = random_values(dtype, shape.n * shape.k, 1);
      const Tensor rows = values.tensor(dtype, {shape.n, shape.k});
      for (int i = 0; i < num_repeats; ++i) {
        packed_.push_back(ops::pack_linear({&rows, 1}, dtype, machine->stream));
      }
      widest = std::max({widest, shape.n, 2 * shape.k});
    }
    x_ = random_values(DType::kFloat32, m * widest, 2);
    out_ = Storage::for_tensor(DType::kFloat32, {m * widest});
    norm_ = random_values(DType::kFloat32, widest, 3);
    num_repeats_ = num_repeats;
  }

  void run() const {
    for (int i = 0; i < num_repeats_; ++i) {
      for (size_t s = 0; s < shapes_.size(); ++s) {
        const LinearShape& shape = shapes_[s];
        const bool is_gated = shape.prologue == LinearPrologue::kSiluMul;
        LinearOptions options;
        options.prologue = shape.prologue;
        options.norm_weight = norm_.tensor(DType::kFloat32, {shape.k});
        options.norm_eps = 1e-5f;
        ops::linear(
            machine->stream,
            x_.tensor(DType::kFloat32, {m_, (is_gated ? 2 : 1) * shape.k}),
            packed_[s * num_repeats_ + i],
            options,
            out_.tensor(DType::kFloat32, {m_, shape.n})
        );
      }
    }
  }

  int64_t weight_bytes() const {
    return std::accumulate(packed_.begin(), packed_.end(), int64_t{0}, [](int64_t sum, auto& w) {
      return sum + static_cast<int64_t>(w.num_bytes());
    });
  }
  double operations() const {
    double sum = 0;
    for (const LinearShape& shape : shapes_) {
      sum += 2.0 * m_ * shape.n * shape.k * num_repeats_;
    }
    return sum;
  }

 private:
  std::vector<LinearShape> shapes_;
  int64_t m_;
  int num_repeats_ = 1;
  std::vector<PackedWeight> packed_;
  Storage x_;
  Storage out_;
  Storage norm_;
};

void report(benchmark::State& state, double bytes, double operations, size_t footprint) {
  const auto iterations = static_cast<double>(state.iterations());
  using benchmark::Counter;
  state.counters["GB/s"] = Counter(bytes * iterations / 1e9, Counter::kIsRate);
  state.counters["of_read"] =
      Counter(bytes * iterations / machine->bandwidth(footprint), Counter::kIsRate);
  state.counters["GFLOP/s"] = Counter(operations * iterations / 1e9, Counter::kIsRate);
  state.counters["of_fma"] = Counter(operations * iterations / machine->flops(), Counter::kIsRate);
}

void run_stack(benchmark::State& state, const LinearStack& stack) {
  stack.run();
  for (auto _ : state) {
    stack.run();
  }
  const int64_t bytes = stack.weight_bytes();
  report(state, static_cast<double>(bytes), stack.operations(), bytes);
}

// Every linear layer of models/small-chat, the logits apart: 8 layers of hidden 256.
void small_chat_layers(benchmark::State& state, DType dtype) {
  const std::vector<LinearShape> layer = {
      {512, 256, LinearPrologue::kRmsNorm},
      {256, 256},
      {1536, 256, LinearPrologue::kRmsNorm},
      {256, 768, LinearPrologue::kSiluMul},
  };
  run_stack(state, LinearStack(layer, 8, dtype, state.range(0)));
}

// One layer of a model of 1B parameters, with enough copies that no cache holds them.
void layers_1b(benchmark::State& state, DType dtype) {
  const std::vector<LinearShape> layer = {
      {3072, 2048, LinearPrologue::kRmsNorm},
      {2048, 2048},
      {16384, 2048, LinearPrologue::kRmsNorm},
      {2048, 8192, LinearPrologue::kSiluMul},
  };
  run_stack(state, LinearStack(layer, 4, dtype, state.range(0)));
}

void one_linear(benchmark::State& state) {
  const LinearShape shape{state.range(1), state.range(2)};
  run_stack(state, LinearStack({shape}, 1, DType::kBFloat16, state.range(0)));
}

// num_reqs requests of `length` tokens, of which the last num_queries are computed; the heads of
// models/small-chat.
class AttentionCase {
 public:
  AttentionCase(int num_reqs, int length, int num_queries)
      : num_tokens_(num_reqs * num_queries), num_blocks_((length + 15) / 16) {
    params_.num_heads = 4;
    params_.num_kv_heads = 2;
    params_.head_dim = 64;
    params_.scale = 0.125f;
    params_.rope.rotary_dim = 64;
    cos_sin_ = random_values(DType::kFloat32, int64_t{length} * 64, 1);
    params_.rope.cos_sin = cos_sin_.tensor(DType::kFloat32, {length, 64});
    const size_t num_bytes =
        ops::kv_cache_bytes(num_reqs * num_blocks_, 16, 2, 64, DType::kBFloat16);
    cache_ = random_values(DType::kBFloat16, static_cast<int64_t>(num_bytes / 2), 2);
    qkv_ = random_values(DType::kFloat32, num_tokens_ * 512, 3);
    out_ = Storage::for_tensor(DType::kFloat32, {num_tokens_ * 256});
    fill_batch(num_reqs, length, num_queries);
  }

  void run() const {
    ops::paged_attention(
        machine->stream,
        params_,
        batch_,
        qkv_.tensor(DType::kFloat32, {num_tokens_, 512}),
        cache_.tensor(DType::kBFloat16, {static_cast<int64_t>(cache_.num_bytes() / 2)}),
        out_.tensor(DType::kFloat32, {num_tokens_, 256})
    );
  }
  size_t cache_bytes() const { return cache_.num_bytes(); }

 private:
  void fill_batch(int num_reqs, int length, int num_queries) {
    block_table_.resize(num_reqs * num_blocks_);
    std::iota(block_table_.begin(), block_table_.end(), 0);
    seq_lens_.assign(num_reqs, length);
    query_start_loc_.push_back(0);
    for (int request = 0; request < num_reqs; ++request) {
      query_start_loc_.push_back((request + 1) * num_queries);
      for (int position = length - num_queries; position < length; ++position) {
        positions_.push_back(position);
        slots_.push_back(request * num_blocks_ * 16 + position);
      }
    }
    const auto ints = [](std::vector<int32_t>& values) {
      return Tensor(values.data(), DType::kInt32, {static_cast<int64_t>(values.size())});
    };
    batch_.num_reqs = num_reqs;
    batch_.num_tokens = num_tokens_;
    batch_.block_size = 16;
    batch_.query_start_loc = ints(query_start_loc_);
    batch_.seq_lens = ints(seq_lens_);
    batch_.positions = ints(positions_);
    batch_.slot_mapping = ints(slots_);
    batch_.block_table = ints(block_table_).view({num_reqs, num_blocks_});
  }

  int num_tokens_;
  int num_blocks_;
  AttentionParams params_;
  PagedBatch batch_;
  Storage cos_sin_;
  Storage cache_;
  Storage qkv_;
  Storage out_;
  std::vector<int32_t> block_table_;
  std::vector<int32_t> query_start_loc_;
  std::vector<int32_t> seq_lens_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> slots_;
};

void attention(benchmark::State& state) {
  const auto num_reqs = static_cast<int>(state.range(0));
  const auto length = static_cast<int>(state.range(1));
  const auto num_queries = static_cast<int>(state.range(2));
  const AttentionCase attention_case(num_reqs, length, num_queries);
  for (auto _ : state) {
    attention_case.run();
  }
  // Two products of 64 per visible position and head.
  const double positions_seen = num_reqs * (0.5 * num_queries * (2.0 * length - num_queries + 1));
  const size_t bytes = attention_case.cache_bytes();
  report(state, static_cast<double>(bytes), positions_seen * 4 * 4 * 64, bytes);
}

void norm(benchmark::State& state) {
  const int64_t m = state.range(0);
  const int64_t k = state.range(1);
  const Storage x = random_values(DType::kFloat32, m * k, 1);
  const Storage weight = random_values(DType::kFloat32, k, 2);
  const Storage out = Storage::for_tensor(DType::kFloat32, {m * k});
  for (auto _ : state) {
    ops::rms_norm(
        machine->stream,
        x.tensor(DType::kFloat32, {m, k}),
        weight.tensor(DType::kFloat32, {k}),
        1e-5f,
        out.tensor(DType::kFloat32, {m, k})
    );
  }
  state.SetItemsProcessed(state.iterations() * m * k);
}

void sampling(benchmark::State& state, bool is_argmax) {
  const int64_t m = state.range(0);
  const int64_t vocab = state.range(1);
  const Storage logits = random_values(DType::kFloat32, m * vocab, 1);
  const auto* values = static_cast<const float*>(logits.data());
  for (auto _ : state) {
    for (int64_t i = 0; i < m; ++i) {
      const std::span row(values + i * vocab, static_cast<size_t>(vocab));
      if (is_argmax) {
        benchmark::DoNotOptimize(ops::row_argmax(row));
      } else {
        benchmark::DoNotOptimize(ops::sum_weights(row, {.max = ops::row_max(row)}));
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * m * vocab);
}

void pack(benchmark::State& state) {
  const Storage values = random_values(DType::kBFloat16, 2048 * 8192, 1);
  const Tensor rows = values.tensor(DType::kBFloat16, {8192, 2048});
  for (auto _ : state) {
    benchmark::DoNotOptimize(ops::pack_linear({&rows, 1}, DType::kBFloat16, machine->stream));
  }
  state.SetBytesProcessed(state.iterations() * rows.num_bytes());
}

void register_all() {
  using Arguments = std::vector<std::vector<int64_t>>;
  const auto add = [](const std::string& name, auto function, const Arguments& arguments) {
    auto* entry = benchmark::RegisterBenchmark(name.c_str(), function)->UseRealTime();
    for (const std::vector<int64_t>& values : arguments) {
      entry->Args(values);
    }
  };
  for (const DType dtype : {DType::kBFloat16, DType::kFloat32}) {
    const std::string suffix = "/" + std::string(dtype_name(dtype));
    const auto small_chat = [dtype](benchmark::State& state) { small_chat_layers(state, dtype); };
    add("small_chat_layers" + suffix, small_chat, {{1}, {2}, {4}, {8}, {16}, {64}, {512}});
    const auto layers = [dtype](benchmark::State& state) { layers_1b(state, dtype); };
    add("layers_1b" + suffix, layers, {{1}, {4}, {8}, {64}, {512}});
  }
  add("linear", one_linear, {{1, 4096, 256}, {64, 4096, 256}});
  add("attention", attention, {{1, 300, 1}, {1, 2000, 1}, {64, 300, 1}, {1, 512, 512}});
  add("rms_norm", norm, {{1, 256}, {64, 256}, {512, 2048}});
  const Arguments logits = {{1, 4096}, {64, 4096}, {1, 128256}};
  add(
      "row_argmax", [](benchmark::State& state) { sampling(state, true); }, logits
  );
  add(
      "softmax_sum", [](benchmark::State& state) { sampling(state, false); }, logits
  );
  add("pack", pack, {});
}

// What the shares refer to, at the head of the report.
void add_context(int num_threads) {
  using benchmark::AddCustomContext;
  AddCustomContext("cpu_isa", std::string(cpu::isa_name(cpu::current_isa())));
  AddCustomContext("threads", std::to_string(num_threads));
  for (const size_t mib : {1, 15, 512}) {
    const double rate = machine->bandwidth(mib << 20) / 1e9;
    AddCustomContext("read_GBps_" + std::to_string(mib) + "MiB", std::to_string(rate));
  }
  AddCustomContext("fma_GFLOPps", std::to_string(machine->flops() / 1e9));
}

}  // namespace
}  // namespace quire::bench

int main(int argc, char** argv) {
  int num_threads = quire::available_cpus();
  for (; argc > 1; --argc, ++argv) {
    const std::string_view option = argv[1];
    if (option.starts_with("--threads=")) {
      num_threads = std::stoi(argv[1] + 10);
    } else if (option.starts_with("--cpu-isa=")) {
      quire::cpu::select_isa(option.substr(10));
    } else {
      break;
    }
    argv[1] = argv[0];
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  quire::bench::Machine machine(num_threads);
  quire::bench::machine = &machine;
  quire::bench::add_context(num_threads);
  quire::bench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
