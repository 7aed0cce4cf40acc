#pragma once

#include <string>

#include "bench/serve/serve_report.h"

namespace quire::bench {

// An HTML page without scripts: requests over time, TTFT and ITL over time, and the table.
std::string timeline_html(const ServeReport& report);

}  // namespace quire::bench
