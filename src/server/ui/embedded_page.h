#pragma once

#include <string>
#include <string_view>

namespace quire::server {

// The web page as it lies in the program: gzip.
std::string_view compressed_page();

// The same as HTML.
std::string decompressed_page();

}  // namespace quire::server
