#pragma once

#include <string>

namespace quire::cli {

// docs/options.md: every option of the engine, the server and the sampling, and vLLM's that are
// taken with one value or refused. Printed by quire serve --help=markdown.
std::string options_page();

}  // namespace quire::cli
