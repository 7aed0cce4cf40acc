#include "server/ui/embedded_page.h"

#include <zlib.h>

#include "base/check.h"

// The assembler copies the file into the program; CMake knows that this object depends on it.
__asm__(
    ".pushsection .rodata\n"
    ".hidden quire_page_begin\n"
    ".hidden quire_page_end\n"
    ".global quire_page_begin\n"
    ".global quire_page_end\n"
    "quire_page_begin:\n"
    ".incbin \"" QUIRE_PAGE_FILE
    "\"\n"
    "quire_page_end:\n"
    ".popsection\n"
);

extern "C" {
extern const char quire_page_begin[];
extern const char quire_page_end[];
}

namespace quire::server {
namespace {

// gzip ends with the size of its content, little endian.
size_t content_size(std::string_view gzip) {
  QUIRE_CHECK(gzip.size() > 18, "the page is no gzip file");
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i)
    size |= size_t{static_cast<unsigned char>(gzip[gzip.size() - 4 + i])} << (8 * i);
  return size;
}

}  // namespace

std::string_view compressed_page() {
  return {quire_page_begin, static_cast<size_t>(quire_page_end - quire_page_begin)};
}

std::string decompressed_page() {
  const std::string_view gzip = compressed_page();
  std::string page(content_size(gzip), '\0');
  z_stream stream{};
  constexpr int kGzip = 16;  // added to the window's bits: the gzip format
  QUIRE_CHECK(inflateInit2(&stream, kGzip + MAX_WBITS) == Z_OK, "inflateInit2 failed");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(page.data());
  stream.avail_out = static_cast<uInt>(page.size());
  const int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  QUIRE_CHECK(status == Z_STREAM_END && stream.avail_out == 0, "the page is damaged");
  return page;
}

}  // namespace quire::server
