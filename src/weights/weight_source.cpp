#include "weights/weight_source.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "quire/error.h"
#include "tensor/storage.h"
#include "weights/checkpoint_files.h"
#include "weights/dummy_weights.h"
#include "weights/safetensors.h"

namespace quire {
namespace {

struct StoredTensor {
  const SafetensorsFile* file = nullptr;
  const SafetensorsEntry* entry = nullptr;
  bool is_claimed = false;  // taken or ignored
};

std::span<const int64_t> as_span(std::initializer_list<int64_t> shape) {
  return {shape.begin(), shape.size()};
}

bool is_aligned(const void* data, DType dtype) {
  return reinterpret_cast<uintptr_t>(data) % dtype_size(dtype) == 0;
}

}  // namespace

struct WeightSource::Impl {
  std::deque<SafetensorsFile> files;  // a deque does not move what StoredTensor points to
  std::map<std::string, StoredTensor, std::less<>> tensors;
  std::deque<Storage> owned;  // dummy weights, copies of unaligned tensors
  std::optional<DummyWeights> dummy;
  std::function<void(int64_t, int64_t)> on_progress;
  int64_t num_bytes = 0;
  int64_t num_bytes_taken = 0;

  void add_file(const std::filesystem::path& path);
  void require_indexed(const std::vector<IndexEntry>& index, const std::filesystem::path& dir)
      const;
  Tensor take_stored(const std::string& name, std::initializer_list<int64_t> shape);
  Tensor take_dummy(const std::string& name, std::initializer_list<int64_t> shape);
};

void WeightSource::Impl::add_file(const std::filesystem::path& path) {
  const SafetensorsFile& file = files.emplace_back(path);
  file.file().will_need();
  for (const SafetensorsEntry& entry : file.entries()) {
    const auto [other, is_new] = tensors.try_emplace(entry.name, StoredTensor{&file, &entry});
    if (!is_new) {
      throw InvalidArgument(
          "model", fmt::format("{}: tensor {} is in another file too", path.string(), entry.name)
      );
    }
    num_bytes += static_cast<int64_t>(entry.end - entry.begin);
  }
}

void WeightSource::Impl::require_indexed(
    const std::vector<IndexEntry>& index, const std::filesystem::path& dir
) const {
  for (const IndexEntry& entry : index) {
    const auto found = tensors.find(entry.tensor);
    if (found != tensors.end() && found->second.file->path().filename() == entry.file) continue;
    throw InvalidArgument(
        "model",
        fmt::format(
            "{}: tensor {} is not in it, though the index says so; download the checkpoint again",
            (dir / entry.file).string(),
            entry.tensor
        )
    );
  }
}

Tensor WeightSource::Impl::take_stored(
    const std::string& name, std::initializer_list<int64_t> shape
) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw InvalidArgument(
        "model",
        fmt::format(
            "the checkpoint has no tensor {} (shape {}); check that config.json and the weights "
            "belong together",
            name,
            shape_string(as_span(shape))
        )
    );
  }
  StoredTensor& stored = found->second;
  const SafetensorsEntry& entry = *stored.entry;
  if (!std::ranges::equal(entry.shape, shape)) {
    throw InvalidArgument(
        "model",
        fmt::format(
            "tensor {} has shape {} in the checkpoint, config.json asks for {}",
            name,
            shape_string(entry.shape),
            shape_string(as_span(shape))
        )
    );
  }
  const size_t num_tensor_bytes = entry.end - entry.begin;
  if (!std::exchange(stored.is_claimed, true)) {
    num_bytes_taken += static_cast<int64_t>(num_tensor_bytes);
    if (on_progress) on_progress(num_bytes_taken, num_bytes);
  }
  const void* data = stored.file->data(entry);
  if (is_aligned(data, entry.dtype)) return Tensor(const_cast<void*>(data), entry.dtype, shape);
  // The format does not promise alignment, kernels need it.
  Storage& copy = owned.emplace_back(num_tensor_bytes);
  std::memcpy(copy.data(), data, num_tensor_bytes);
  return copy.tensor(entry.dtype, shape);
}

Tensor WeightSource::Impl::take_dummy(
    const std::string& name, std::initializer_list<int64_t> shape
) {
  Storage& storage = owned.emplace_back(Storage::for_tensor(dummy->dtype, shape));
  const Tensor tensor = storage.tensor(dummy->dtype, shape);
  fill_dummy_weight(*dummy, name, tensor);
  return tensor;
}

WeightSource::WeightSource() : impl_(std::make_unique<Impl>()) {}
WeightSource::~WeightSource() = default;
WeightSource::WeightSource(WeightSource&&) noexcept = default;

WeightSource WeightSource::open_safetensors(const std::filesystem::path& dir) {
  WeightSource source;
  const CheckpointFiles checkpoint = find_safetensors(dir);
  for (const std::filesystem::path& path : checkpoint.files)
    source.impl_->add_file(path);
  source.impl_->require_indexed(checkpoint.index, dir);
  return source;
}

WeightSource WeightSource::dummy(DType dtype, uint64_t seed) {
  QUIRE_CHECK(dtype == DType::kFloat32 || dtype == DType::kBFloat16, "dtype {}", dtype_name(dtype));
  WeightSource source;
  source.impl_->dummy = DummyWeights{dtype, seed};
  return source;
}

void WeightSource::on_progress(std::function<void(int64_t, int64_t)> callback) {
  impl_->on_progress = std::move(callback);
}

Tensor WeightSource::take(const std::string& name, std::initializer_list<int64_t> shape) {
  return impl_->dummy ? impl_->take_dummy(name, shape) : impl_->take_stored(name, shape);
}

bool WeightSource::has(const std::string& name) const {
  return impl_->dummy.has_value() || impl_->tensors.contains(name);
}

void WeightSource::ignore(const std::string& name) {
  const auto found = impl_->tensors.find(name);
  if (found != impl_->tensors.end()) found->second.is_claimed = true;
}

std::vector<std::string> WeightSource::leftover() const {
  std::vector<std::string> names;
  for (const auto& [name, stored] : impl_->tensors) {
    if (!stored.is_claimed) names.push_back(name);
  }
  return names;
}

int64_t WeightSource::num_bytes() const {
  return impl_->num_bytes;
}

void WeightSource::drop_pages() const {
  for (const SafetensorsFile& file : impl_->files)
    file.file().drop_pages();
}

}  // namespace quire
