#include "weights/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "quire/error.h"

namespace quire {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

struct NamedDType {
  std::string_view name;
  DType dtype;
};

constexpr NamedDType kDTypes[] = {
    {"F32", DType::kFloat32},
    {"BF16", DType::kBFloat16},
    {"F16", DType::kFloat16},
    {"I64", DType::kInt64},
    {"I32", DType::kInt32},
    {"U8", DType::kUInt8},
    {"I8", DType::kInt8},
};

// Reads one header; `file_name` stands in every error.
class HeaderParser {
 public:
  HeaderParser(std::string_view file_name, uint64_t header_bytes, uint64_t data_bytes)
      : file_name_(file_name), header_bytes_(header_bytes), data_bytes_(data_bytes) {}

  std::vector<SafetensorsEntry> parse(simdjson::dom::object header) {
    std::vector<SafetensorsEntry> entries;
    std::unordered_set<std::string_view> names;
    for (const auto [name, value] : header) {
      if (!names.insert(name).second) fail("the header names tensor {} twice", name);
      if (name == "__metadata__") continue;
      entries.push_back(parse_entry(name, value));
    }
    require_exact_cover(entries);
    return entries;
  }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    const std::string what = fmt::format(format, std::forward<Args>(args)...);
    throw InvalidArgument(
        "model",
        fmt::format(
            "{}: {}; the file is damaged or not safetensors: download it again", file_name_, what
        )
    );
  }

 private:
  SafetensorsEntry parse_entry(std::string_view name, simdjson::dom::element value) const {
    simdjson::dom::object fields;
    if (value.get(fields) != simdjson::SUCCESS) fail("the entry of tensor {} is no object", name);
    SafetensorsEntry entry;
    entry.name = name;
    entry.dtype = parse_dtype_of(name, fields);
    entry.shape = parse_shape(name, fields);
    const auto [begin, end] = parse_offsets(name, fields);
    if (begin > end || end > data_bytes_) {
      fail(
          "tensor {}: data_offsets [{}, {}] lie outside the {} bytes of data",
          name,
          begin,
          end,
          data_bytes_
      );
    }
    require_shape_fills(entry, end - begin);
    entry.begin = kLengthBytes + header_bytes_ + begin;
    entry.end = kLengthBytes + header_bytes_ + end;
    return entry;
  }

  DType parse_dtype_of(std::string_view name, simdjson::dom::object fields) const {
    std::string_view text;
    if (fields["dtype"].get(text) != simdjson::SUCCESS) fail("tensor {} has no dtype", name);
    for (const NamedDType& known : kDTypes) {
      if (known.name == text) return known.dtype;
    }
    std::vector<std::string_view> names;
    for (const NamedDType& known : kDTypes)
      names.push_back(known.name);
    throw InvalidArgument(
        "model",
        fmt::format(
            "{}: tensor {} has dtype {}; known: {}. Use a checkpoint in one of these",
            file_name_,
            name,
            text,
            fmt::join(names, ", ")
        )
    );
  }

  std::vector<int64_t> parse_shape(std::string_view name, simdjson::dom::object fields) const {
    simdjson::dom::array sizes;
    if (fields["shape"].get(sizes) != simdjson::SUCCESS) fail("tensor {} has no shape", name);
    std::vector<int64_t> shape;
    for (const simdjson::dom::element size : sizes) {
      int64_t value = -1;
      if (size.get(value) != simdjson::SUCCESS || value < 0) {
        fail("tensor {}: dimension {} of its shape is no size", name, shape.size());
      }
      shape.push_back(value);
    }
    return shape;
  }

  std::pair<uint64_t, uint64_t> parse_offsets(std::string_view name, simdjson::dom::object fields)
      const {
    simdjson::dom::array offsets;
    uint64_t begin = 0;
    uint64_t end = 0;
    if (fields["data_offsets"].get(offsets) != simdjson::SUCCESS || offsets.size() != 2 ||
        offsets.at(0).get(begin) != simdjson::SUCCESS ||
        offsets.at(1).get(end) != simdjson::SUCCESS) {
      fail("tensor {}: data_offsets are not two sizes", name);
    }
    return {begin, end};
  }

  void require_shape_fills(const SafetensorsEntry& entry, uint64_t num_bytes) const {
    uint64_t product = dtype_size(entry.dtype);
    bool overflow = false;
    for (const int64_t size : entry.shape) {
      overflow |= __builtin_mul_overflow(product, static_cast<uint64_t>(size), &product);
    }
    // A zero dimension makes the tensor empty, whatever the others multiply to.
    if (std::ranges::find(entry.shape, 0) != entry.shape.end()) {
      product = 0;
      overflow = false;
    }
    if (!overflow && product == num_bytes) return;
    fail(
        "tensor {}: shape {} of {} needs {} bytes, data_offsets give {}",
        entry.name,
        shape_string(entry.shape),
        dtype_name(entry.dtype),
        overflow ? "more than 2^64" : std::to_string(product),
        num_bytes
    );
  }

  // Also sorts the entries by their place in the file.
  void require_exact_cover(std::vector<SafetensorsEntry>& entries) const {
    std::ranges::sort(entries, {}, [](const SafetensorsEntry& entry) {
      return std::pair(entry.begin, entry.end);
    });
    const size_t data_start = kLengthBytes + header_bytes_;
    size_t covered = data_start;
    for (const SafetensorsEntry& entry : entries) {
      if (entry.begin != covered) {
        fail(
            "tensor {} starts at byte {} of the data, where the one before it ends at {}",
            entry.name,
            entry.begin - data_start,
            covered - data_start
        );
      }
      covered = entry.end;
    }
    if (covered != data_start + data_bytes_) {
      fail("tensors cover {} of {} bytes of data", covered - data_start, data_bytes_);
    }
  }

  std::string_view file_name_;
  uint64_t header_bytes_;
  uint64_t data_bytes_;
};

}  // namespace

std::string shape_string(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::vector<SafetensorsEntry> parse_safetensors(
    std::span<const std::byte> file, std::string_view file_name
) {
  uint64_t header_bytes = 0;
  if (file.size() >= kLengthBytes) std::memcpy(&header_bytes, file.data(), kLengthBytes);
  const uint64_t rest = file.size() >= kLengthBytes ? file.size() - kLengthBytes : 0;
  HeaderParser parser(file_name, header_bytes, rest - std::min(rest, header_bytes));
  if (file.size() < kLengthBytes) {
    parser.fail("{} bytes are too few for the length of a header", file.size());
  }
  if (header_bytes > kMaxHeaderBytes || header_bytes > rest) {
    parser.fail(
        "a header of {} bytes does not fit (the file has {} more, the limit is {})",
        header_bytes,
        rest,
        kMaxHeaderBytes
    );
  }
  const auto* text = reinterpret_cast<const char*>(file.data() + kLengthBytes);
  simdjson::dom::parser json;
  simdjson::dom::object header;
  // The copy gives the parser the padding that it reads beyond the end.
  const auto error = json.parse(simdjson::padded_string(text, header_bytes)).get(header);
  if (error != simdjson::SUCCESS) {
    parser.fail("the header is no JSON object ({})", simdjson::error_message(error));
  }
  return parser.parse(header);
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), file_(path), entries_(parse_safetensors(file_.bytes(), path.string())) {}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &SafetensorsEntry::name);
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace quire
