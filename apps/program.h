#pragma once

#include "quire/api.h"

namespace quire {

// The program: what its command line asks for. Returns the exit code.
QUIRE_API int run_program(int argc, char** argv);

}  // namespace quire
