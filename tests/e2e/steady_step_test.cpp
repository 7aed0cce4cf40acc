// A steady decode step takes no memory from the heap or the kernel: 64 requests, 200 steps, block
// boundaries crossed. malloc and its family are replaced by counting ones in this program.

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/resolve.h"
#include "engine/engine_core.h"
#include "engine/make_scheduler.h"
#include "support/test_paths.h"

namespace {
std::atomic<bool> is_counting{false};
std::atomic<int64_t> num_allocations{0};

void count() {
  if (is_counting.load(std::memory_order_relaxed)) num_allocations.fetch_add(1);
}
}  // namespace

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* old, size_t size) {
  count();
  return __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  count();
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
void* mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  count();
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, length, protection, flags, fd, offset));
}
}

namespace quire {
namespace {

constexpr int kNumRequests = 64;
constexpr int kWarmUpSteps = 20;
constexpr int kCountedSteps = 200;

EngineCore make_core() {
  const auto dir = test::bundled_models_dir() / "small-chat";
  EngineConfig wish;
  wish.max_num_seqs = kNumRequests;
  wish.max_model_len = 512;
  const ResolvedConfig config =
      resolve(wish, load_model_config(dir), query_device_info(), UsageContext::kLlm, false);
  auto worker = std::make_unique<Worker>(WorkerConfig{
      .num_threads = config.num_threads,
      .dtype = config.dtype,
      .max_model_len = config.scheduler.max_model_len,
      .max_num_seqs = config.scheduler.max_num_seqs,
      .max_num_batched_tokens = config.scheduler.max_num_batched_tokens,
  });
  worker->load_model(config.model, WeightSource::open_safetensors(dir));
  const KVCacheConfig cache = size_kv_cache(config, worker->kv_cache_specs(), 0);
  worker->initialize_kv_cache(cache);
  return EngineCore(
      make_scheduler(config, cache),
      std::make_unique<UniprocExecutor>(std::move(worker)),
      cache.num_blocks
  );
}

std::unique_ptr<Request> make_request(int i, double temperature) {
  auto request = std::make_unique<Request>();
  request->id = static_cast<RequestId>(i) + 1;
  request->num_prompt_tokens = 5 + i % 16;  // so that boundaries are crossed in different steps
  for (int t = 0; t < request->num_prompt_tokens; ++t) {
    request->token_ids.push_back(100 + (31 * i + t) % 1000);
  }
  request->sampling_params.temperature = temperature;
  request->sampling_params.ignore_eos = true;
  request->sampling_params.max_tokens = 400;
  return request;
}

// Allocations of kCountedSteps decode steps in which every request gets a token.
int64_t count_allocations(double temperature) {
  EngineCore core = make_core();
  for (int i = 0; i < kNumRequests; ++i) {
    core.add_request(make_request(i, temperature));
  }
  EngineCoreOutputs outputs;
  for (int step = 0; step < kWarmUpSteps; ++step) {
    outputs.clear();
    core.step(outputs);
  }
  const double usage_before = core.stats().kv_cache_usage;
  num_allocations = 0;
  is_counting = true;
  size_t num_tokens = 0;
  for (int step = 0; step < kCountedSteps; ++step) {
    outputs.clear();
    core.step(outputs);
    num_tokens += outputs.token_ids.size();
  }
  is_counting = false;
  EXPECT_EQ(num_tokens, static_cast<size_t>(kNumRequests) * kCountedSteps);
  EXPECT_GT(core.stats().kv_cache_usage, usage_before) << "no block boundary was crossed";
  return num_allocations;
}

TEST(SteadyStepTest, TheHooksSeeAllocations) {
  num_allocations = 0;
  is_counting = true;
  auto* volatile number = new int(1);
  is_counting = false;
  delete number;
  EXPECT_GE(num_allocations, 1);
}

TEST(SteadyStepTest, GreedyDecodingAllocatesNothing) {
  EXPECT_EQ(count_allocations(0.0), 0);
}

TEST(SteadyStepTest, SamplingAllocatesNothing) {
  EXPECT_EQ(count_allocations(0.8), 0);
}

}  // namespace
}  // namespace quire
