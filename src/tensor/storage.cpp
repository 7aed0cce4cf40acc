#include "tensor/storage.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/mman.h>

#include "base/math.h"

namespace quire {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kMapFrom = size_t{1} << 20;  // smaller pieces come from the heap

bool is_mapped(size_t num_bytes) {
  return num_bytes >= kMapFrom;
}

[[noreturn]] void fail_allocation(size_t num_bytes) {
  throw EnvironmentError(fmt::format(
      "out of memory: could not get {:.1f} MiB", static_cast<double>(num_bytes) / 0x1p20
  ));
}

// Starts at a huge page, so that the kernel can back all of it by huge pages.
void* map_pages(size_t num_bytes) {
  const size_t reserved = num_bytes + kHugePage;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* mapping = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (mapping == MAP_FAILED) fail_allocation(num_bytes);
  const auto begin = reinterpret_cast<uintptr_t>(mapping);
  const uintptr_t start = round_up<uintptr_t>(begin, kHugePage);
  const uintptr_t end = start + num_bytes;
  if (start > begin) munmap(mapping, start - begin);
  if (begin + reserved > end) munmap(reinterpret_cast<void*>(end), begin + reserved - end);
  void* pages = reinterpret_cast<void*>(start);
  madvise(pages, num_bytes, MADV_HUGEPAGE);  // a wish: kernels without huge pages refuse it
  return pages;
}

void* allocate_host(size_t num_bytes) {
  if (num_bytes == 0) return nullptr;
  if (is_mapped(num_bytes)) return map_pages(num_bytes);
  void* data = std::aligned_alloc(kAlignment, num_bytes);
  if (data == nullptr) fail_allocation(num_bytes);
  std::memset(data, 0, num_bytes);
  return data;
}

// What is really taken: whole pages of a mapping, whole cache lines of the heap.
size_t padded_bytes(size_t num_bytes) {
  constexpr size_t kPage = 4096;
  return round_up(num_bytes, is_mapped(num_bytes) ? kPage : kAlignment);
}

}  // namespace

Storage::Storage(size_t num_bytes, Device device) : num_bytes_(num_bytes), device_(device) {
  if (device.type != DeviceType::kCpu) {
    throw EnvironmentError("this build of quire has no CUDA support");
  }
  data_ = allocate_host(padded_bytes(num_bytes));
}

Storage Storage::for_tensor(DType dtype, std::initializer_list<int64_t> shape, Device device) {
  return Storage(static_cast<size_t>(Tensor(nullptr, dtype, shape).num_bytes()), device);
}

Storage::~Storage() {
  release();
}

Storage::Storage(Storage&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      num_bytes_(std::exchange(other.num_bytes_, 0)),
      device_(other.device_) {}

Storage& Storage::operator=(Storage&& other) noexcept {
  if (this == &other) return *this;
  release();
  data_ = std::exchange(other.data_, nullptr);
  num_bytes_ = std::exchange(other.num_bytes_, 0);
  device_ = other.device_;
  return *this;
}

Tensor Storage::tensor(DType dtype, std::initializer_list<int64_t> shape) const {
  Tensor view(data_, dtype, shape, device_);
  QUIRE_CHECK(
      view.num_bytes() <= static_cast<int64_t>(num_bytes_),
      "{} of {} in {} bytes",
      view.shape_string(),
      dtype_name(dtype),
      num_bytes_
  );
  return view;
}

void Storage::release() {
  if (data_ == nullptr) return;
  const size_t taken = padded_bytes(num_bytes_);
  if (is_mapped(taken)) {
    munmap(data_, taken);
  } else {
    std::free(data_);
  }
}

}  // namespace quire
