#pragma once

#include <cstdint>

namespace quire {

// Raises the process's limit of open files as far as the system allows: each connection takes one,
// and the usual limit of a shell is 1,024. The limit that holds then.
int64_t raise_open_file_limit();

}  // namespace quire
