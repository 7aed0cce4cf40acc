#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace quire {

// A file mapped read-only. Move-only; unmapped at the end.
class MmapFile {
 public:
  // Throws EnvironmentError with the path and the system's reason.
  explicit MmapFile(const std::filesystem::path& path);
  ~MmapFile();
  MmapFile(MmapFile&& other) noexcept;
  MmapFile& operator=(MmapFile&&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  // Asks the kernel to read ahead: the whole file is about to be used.
  void will_need() const;
  // Gives the memory of the pages back; they are read again when touched.
  void drop_pages() const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace quire
